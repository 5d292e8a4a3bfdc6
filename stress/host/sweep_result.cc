#include "stress/host/sweep_result.h"

#include <fmt/format.h>

#include <algorithm>

namespace sigsweep {

std::uint64_t SweepResult::trials() const {
  std::uint64_t sum = 0;
  for (const CellRow& row : cells) sum += row.trials;
  return sum;
}

std::uint64_t SweepResult::unreached() const {
  std::uint64_t sum = 0;
  for (const CellRow& row : cells) sum += row.unreached;
  return sum;
}

std::uint64_t SweepResult::pairs() const {
  std::uint64_t sum = 0;
  for (const CellRow& row : cells) sum += row.form == "single" ? 0 : row.trials;
  return sum;
}

std::map<std::string, SweepResult::Landed> SweepResult::landed_by_source() const {
  std::map<std::string, Landed> sums;
  for (const CellRow& row : cells) {
    sums[row.inject].signals += row.landed;
    sums[row.inject].seconds += row.seconds;
  }
  return sums;
}

std::map<std::string, StackUse> SweepResult::stacks() const {
  std::map<std::string, StackUse> most;
  for (const CellRow& row : cells) {
    for (const auto& [name, use] : row.stacks) {
      if (use.used >= most[name].used) most[name] = use;
    }
  }
  return most;
}

std::string stacks_line(const SweepResult& result) {
  std::string line;
  for (const auto& [name, use] : result.stacks()) {
    line += fmt::format("{} {} {} of {} bytes", line.empty() ? "stacks used at most:" : ",", name,
                        use.used, use.size);
  }
  return line + "\n";
}

std::uint64_t SweepResult::jumped() const {
  std::uint64_t sum = 0;
  for (const CellRow& row : cells) sum += row.jumped;
  return sum;
}

std::uint64_t SweepResult::landed() const {
  std::uint64_t sum = 0;
  for (const CellRow& row : cells) sum += row.landed;
  return sum;
}

bool SweepResult::as_expected(const KnownFindings& known) const {
  const auto acknowledged = [&](const CellRow& cell) {
    const auto of_cell = [&](const ReportedTrial& e) {
      return !e.expected && e.protocol == cell.protocol && e.site() == cell.site &&
             e.handler() == cell.handler;
    };
    const auto is_known = [&](const ReportedTrial& e) {
      return known.reason(finding_id(e)) != nullptr;
    };
    // Each kind of verdict has its example; of mismatches only the first has. Without a call the
    // prediction is the one verdict that is allowed, so the verdicts tell all of them.
    const bool told = cell.predicted_mismatches == 0 || cell.handler == kNoHandlerName;
    return told && std::ranges::any_of(examples, of_cell) &&
           std::ranges::all_of(examples,
                               [&](const ReportedTrial& e) { return !of_cell(e) || is_known(e); });
  };
  return without_signal.empty() && cut_short.empty() &&
         std::ranges::all_of(
             cells, [&](const CellRow& cell) { return cell.expected || acknowledged(cell); });
}

}  // namespace sigsweep
