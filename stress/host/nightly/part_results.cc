// A table says which fields of which rows are work.
#include "stress/host/nightly/part_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "stress/host/files.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct Counted {
  const char* kind;
  const char* field;  // empty: the rows themselves
  const char* what;
};
constexpr Counted kCounted[] = {
    {"cell", "", "cells"},
    {"cell", "trials", "trials"},
    {"claim", "", "claims"},
    {"storm", "operations", "operations"},
    {"storm", "calls", "calls"},
    {"campaign", "execs", "execs"},
    {"campaign", "operations", "operations"},
    {"campaign", "landed", "signals"},
    {"minimized", "given", "inputs"},
    {"minimized", "left", "inputs_left"},
    {"triaged", "folders", "campaigns"},
    {"triaged", "files", "files"},
    {"replayed", "", "schedules"},
    {"mutant", "", "mutants"},
};

// A number, or the sum of an object's numbers.
std::uint64_t amount(const ordered_json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  std::uint64_t sum = 0;
  for (const auto& each : value)
    if (each.is_number_unsigned()) sum += each.get<std::uint64_t>();
  return sum;
}

bool is_result(const fs::path& file) {
  if (file.extension() != ".json") return file.extension() == ".jsonl";
  return ordered_json::accept(content_of(file));
}

// Those that came to an end.
std::vector<ordered_json> benchmarks_in(const fs::path& file) {
  const ordered_json json = ordered_json::parse(content_of(file), nullptr, false);
  std::vector<ordered_json> found;
  if (!json.is_object() || !json.contains("benchmarks")) return found;
  for (const ordered_json& one : json["benchmarks"])
    if (!one.value("error_occurred", false)) found.push_back(one);
  return found;
}

}  // namespace

void each_row(const fs::path& file, const std::function<void(const ordered_json&)>& take) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const ordered_json row = ordered_json::parse(line, nullptr, false);
    if (row.is_object() && row.contains("kind")) take(row);
  }
}

std::vector<fs::path> results_in(const fs::path& folder) {
  std::vector<fs::path> files = files_in(folder);
  std::erase_if(files, [](const fs::path& file) { return !is_result(file); });
  return files;
}

std::map<std::string, std::uint64_t> work_in(const std::vector<fs::path>& files) {
  std::map<std::string, std::uint64_t> work;
  for (const fs::path& file : files) {
    if (file.extension() == ".json") {
      work["benchmarks"] += benchmarks_in(file).size();
      continue;
    }
    each_row(file, [&](const ordered_json& row) {
      for (const Counted& counted : kCounted) {
        if (row["kind"] != counted.kind) continue;
        const bool itself = *counted.field == '\0';
        if (!itself && !row.contains(counted.field)) continue;
        work[counted.what] += itself ? 1 : amount(row[counted.field]);
      }
    });
  }
  // A target that lands no signals has none to tell of.
  if (std::ranges::any_of(work, [](const auto& one) { return one.second != 0; }))
    std::erase_if(work, [](const auto& one) { return one.second == 0; });
  return work;
}

std::optional<double> floor_in(const std::vector<fs::path>& files) {
  constexpr double kNsOfUs = 1000;
  std::vector<double> times;
  for (const fs::path& file : files) {
    if (file.extension() != ".json") continue;
    for (const ordered_json& one : benchmarks_in(file)) {
      const bool floor = one.value("name", "").starts_with("BM_int3_floor/");
      if (floor && one.value("run_type", "") == "iteration" && one.value("time_unit", "") == "ns")
        times.push_back(one.value("real_time", 0.0) / kNsOfUs);
    }
  }
  if (times.empty()) return {};
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

std::string work_text(const std::map<std::string, std::uint64_t>& work) {
  std::string text;
  for (const auto& [what, count] : work)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  return text;
}

}  // namespace sigsweep
