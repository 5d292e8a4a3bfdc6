#include "stress/host/commands/mutants_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "stress/verdict/verdict.h"

namespace sigsweep {
namespace {

std::string fate(const MutantResult& result) {
  if (result.status == "killed") {
    return fmt::format("{} in {:.1f} s: {}", result.stage, result.seconds, result.by);
  }
  return result.status == "equivalent" ? "equivalent: " + result.rule : result.status;
}

// "reject 12, legacy 0": each name, also of those that never came.
std::string counts_line(const char* what,
                        const std::vector<std::pair<std::string, unsigned>>& counts) {
  std::string line = fmt::format("{}:", what);
  for (const auto& [name, count] : counts) line += fmt::format(" {} {},", name, count);
  line.back() = '\n';
  return line;
}

template <class Holds>
unsigned count_of(const std::vector<MutantResult>& results, const Holds& holds) {
  return static_cast<unsigned>(std::ranges::count_if(results, holds));
}

std::string totals(const std::vector<MutantResult>& results) {
  std::vector<std::pair<std::string, unsigned>> counts;
  for (const char* status : {"killed", "equivalent", "survived", "stopped"}) {
    const auto is = [&](const MutantResult& each) { return each.status == status; };
    const unsigned count = count_of(results, is);
    if (count != 0 || status != std::string("stopped")) counts.emplace_back(status, count);
  }
  return counts_line(fmt::format("{} mutants", results.size()).c_str(), counts);
}

// By the order in which the stages first came.
std::string stages_line(const std::vector<MutantResult>& results) {
  struct Sum {
    std::string stage;
    double seconds = 0;
    unsigned runs = 0;
  };
  std::vector<Sum> sums;
  for (const MutantResult& result : results) {
    for (const StageSeconds& each : result.stages) {
      auto found = std::ranges::find(sums, each.stage, &Sum::stage);
      if (found == sums.end()) found = sums.insert(sums.end(), Sum{each.stage});
      found->seconds += each.seconds;
      found->runs++;
    }
  }
  std::string line = "seconds by stage:";
  for (const Sum& sum : sums) {
    const auto here = [&](const MutantResult& each) {
      return each.status == "killed" && each.stage == sum.stage;
    };
    line += fmt::format(" {} {:.0f} ({} runs, {} killed),", sum.stage, sum.seconds, sum.runs,
                        count_of(results, here));
  }
  line.back() = '\n';
  return line;
}

}  // namespace

std::string mutant_line(const MutantResult& result) {
  const Mutant& mutant = result.mutant;
  return fmt::format("{}+{:#04x}  {} -> {}  {}\n", mutant.symbol, mutant.offset, mutant.before,
                     mutant.after, fate(result));
}

std::string mutants_summary(const std::vector<MutantResult>& results, const ClaimBook& book,
                            const std::string& isa) {
  std::vector<std::pair<std::string, unsigned>> claims, verdicts;
  for (const ClaimSpec& claim : book.claims) {
    if (!claim.speaks_of_isa(isa)) continue;
    const auto fires = [&](const MutantResult& each) { return each.claims.contains(claim.id); };
    claims.emplace_back(std::to_string(claim.id), count_of(results, fires));
  }
  for (const std::string_view verdict : kVerdictNames) {
    const auto fires = [&](const MutantResult& each) {
      return each.verdicts.contains(std::string(verdict));
    };
    if (verdict != "ok") verdicts.emplace_back(verdict, count_of(results, fires));
  }
  const auto hung = [](const MutantResult& each) { return each.hung; };
  return totals(results) + fmt::format("killed by a hang: {}\n", count_of(results, hung)) +
         stages_line(results) + counts_line("mutants that make each claim fail", claims) +
         counts_line("mutants that make each verdict a finding", verdicts);
}

}  // namespace sigsweep
