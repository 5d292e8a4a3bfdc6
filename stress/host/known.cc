// Reading acknowledged findings.
#include "stress/host/known.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

// "file:line:column: what is wrong, what is allowed"; empty: the line is good.
std::string problem(const std::string& line) {
  static const std::regex id("[0-9a-f]{16}"),
      date("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])");
  const std::size_t until = line.find(' '), reason = line.find(' ', until + 1);
  if (!std::regex_match(line.substr(0, until), id))
    return "1: not a finding's id; allowed: 16 hex digits";
  if (until == line.npos || !std::regex_match(line.substr(until + 1, reason - until - 1), date))
    return fmt::format("{}: no date; allowed: YYYY-MM-DD, the last day",
                       std::min(until, line.size()) + 2);
  if (reason == line.npos || reason + 1 == line.size())
    return fmt::format("{}: no reason; allowed: any text", line.size() + 1);
  return {};
}

}  // namespace

KnownFindings::KnownFindings(const std::string& path)
    : today_(fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)))) {
  const std::string file = path.empty() ? kDefaultFile : path;
  if (path.empty() && !std::filesystem::exists(file)) return;
  std::ifstream in(file);
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    number++;
    if (line.empty() || line.starts_with('#')) continue;
    if (const std::string wrong = problem(line); !wrong.empty())
      throw Failure(kUsage, fmt::format("{}:{}:{}", file, number, wrong));
    const std::size_t until = line.find(' ') + 1, reason = line.find(' ', until) + 1;
    entries_[line.substr(0, until - 1)] = {line.substr(until, reason - until - 1),
                                           line.substr(reason)};
  }
  if (!in.eof()) throw Failure(kUsage, fmt::format("{}: cannot be read", file));
}

const std::string* KnownFindings::reason(const std::string& id) const {
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return nullptr;
  if (entry->second.until >= today_) return &entry->second.reason;
  static std::map<std::string, bool> told;
  if (!std::exchange(told[id], true))
    fmt::print(stderr, "finding {} was acknowledged until {}: {}\n", id, entry->second.until,
               entry->second.reason);
  return nullptr;
}

}  // namespace sigsweep
