#include "stress/host/results_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

const ordered_json& field(const ResultLine& row, const char* key,
                          bool (ordered_json::*is_right)() const noexcept, const char* expected) {
  const auto at = row.json.find(key);
  if (at != row.json.end() && ((*at).*is_right)()) return *at;
  throw Failure(kUsage,
                fmt::format("{}: `{}` is {}; {} is expected (results/schema.json)", row.place, key,
                            at == row.json.end() ? "missing" : at->dump(), expected));
}

ResultLine read_row(const std::string& place, const std::string& line,
                    std::span<const std::string_view> kinds) {
  ResultLine row{place, ordered_json::parse(line, nullptr, false)};
  if (!row.json.is_object()) {
    throw Failure(kUsage, fmt::format("{}: no results row; a JSON object with `kind` is expected "
                                      "(results/schema.json)",
                                      place));
  }
  if (const std::string kind = row.text("kind"); std::ranges::count(kinds, kind) == 0) {
    throw Failure(kUsage, fmt::format("{}: a row of kind \"{}\" is of no use here; allowed: {}",
                                      place, kind, fmt::join(kinds, ", ")));
  }
  return row;
}

}  // namespace

std::string ResultLine::text(const char* key) const {
  return field(*this, key, &ordered_json::is_string, "a text").get<std::string>();
}

std::uint64_t ResultLine::number(const char* key) const {
  return field(*this, key, &ordered_json::is_number_unsigned, "a count").get<std::uint64_t>();
}

const ordered_json& ResultLine::object(const char* key) const {
  return field(*this, key, &ordered_json::is_object, "an object");
}

void read_results(const std::string& path, std::span<const std::string_view> kinds,
                  const std::function<void(ResultLine)>& take) {
  std::ifstream in(path);
  if (!in) throw Failure(kUsage, fmt::format("{}: cannot be read", path));
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string place = fmt::format("{}:{}:1", path, ++number);
    try {
      take(read_row(place, line, kinds));
    } catch (const nlohmann::json::exception& error) {  // a field of another type
      throw Failure(kUsage, fmt::format("{}: {} (results/schema.json)", place, error.what()));
    }
  }
}

std::string why_cut(const std::string& path, const ResultLine& end) {
  if (end.json.is_null())
    return fmt::format("{}: has no `end` row: the sweep did not come to its end", path);
  const std::uint64_t status = end.number("status");
  if (status <= kFinding) return {};
  return fmt::format("{}: the sweep ended with status {}; 0 or 1 is expected", end.place, status);
}

void check_came_to_end(const std::string& path, const ResultLine& end) {
  if (const std::string why = why_cut(path, end); !why.empty()) throw Failure(kUsage, why);
}

}  // namespace sigsweep
