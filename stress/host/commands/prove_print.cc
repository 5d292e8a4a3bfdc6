#include "stress/host/commands/prove_print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "stress/host/progress.h"

namespace sigsweep {
namespace {

// "3 cells, 174 trials, 174 signals landed". Pairs are named where there are any: most claims are
// about one signal.
std::string counts_text(std::uint64_t cells, std::uint64_t pairs, std::uint64_t trials,
                        std::uint64_t landed) {
  const std::string of_pairs = pairs == 0 ? "" : fmt::format("{} pairs, ", pairs);
  return fmt::format("{} cells, {}{} trials, {} signals landed", cells, of_pairs, trials, landed);
}

}  // namespace

void ProofPrinter::claim(const ClaimSpec& claim, const ClaimRow& row) {
  const Colours c = colours(1);
  fmt::print("claim {}  {}{}{}  {}\n", row.id, row.holds ? c.good : c.bad,
             row.holds ? "holds" : "FAILS", c.plain, row.statement);
  fmt::print("         {}because {}{}\n", c.dim, claim.reason, c.plain);
  for (const std::string& protocol : claim.protocols) {
    const auto assumed = plan_.assumed().find(protocol);
    if (assumed == plan_.assumed().end()) continue;
    fmt::print("         under the assumption {}={}\n", protocol, verdict_name(assumed->second));
  }
  if (claim.kind == ClaimKind::storm) {
    fmt::print("         {} calls, {} signals landed\n", row.trials, row.landed);
  } else if (claim.kind == ClaimKind::ordered) {
    fmt::print("         {} boundaries\n", row.trials);
  } else {
    fmt::print("         {}\n", counts_text(row.cells, row.pairs, row.trials, row.landed));
  }
  if (!row.left_out.empty()) fmt::print("         left out: {}\n", fmt::join(row.left_out, "; "));
  if (!row.detail.empty()) fmt::print("         {}\n", row.detail);
  if (!claim.meaning.empty() && row.holds) fmt::print("         so: {}\n", claim.meaning);
  all_hold_ = all_hold_ && row.holds;
  left_out_.insert(row.left_out.begin(), row.left_out.end());
  claims_++;
}

// The cost of the signals alone, to compare the total with: BM_inject_direct, the best of a few
// times.
void ProofPrinter::floor() const {
  constexpr std::uint64_t kRounds = 20000;
  double best = 0;
  for (unsigned i = 0; i < 5; i++) {
    const Outcome outcome = plan_.session().runner->command(
        Record("bench").add("name", "BM_inject_direct").add("rounds", kRounds),
        [&](const Record& r) {
          const double ns = std::stod(r.text("ns")) / kRounds;
          if (best == 0 || ns < best) best = ns;
        });
    if (outcome.kind == Outcome::done) continue;
    fmt::print("the cost of one signal could not be measured: {}\n", outcome.message);
    return;
  }
  const SweepResult::Landed direct = result_.landed_by_source().at("direct");
  const double alone = static_cast<double>(direct.signals) * best * 1e-9;
  const double share = alone / std::max(direct.seconds, 1e-9);
  fmt::print(
      "a signal that lands and does nothing takes {:.2f} us of a processor here: {:.1f} s for all "
      "by direct, {:.0f} % of what their runners took\n",
      best * 1e-3, alone, 100 * share);
}

// What each source landed, and the time that passed in runners meanwhile.
void ProofPrinter::sources() const {
  for (const auto& [source, landed] : result_.landed_by_source()) {
    fmt::print("by {}: {} signals landed, {:.1f} s in runners\n", source, landed.signals,
               landed.seconds);
  }
}

void ProofPrinter::skipped(const ClaimSpec& claim, const std::string& why) {
  fmt::print("claim {}  skipped: {}\n", claim.id, why);
}

void ProofPrinter::totals() const {
  fmt::print("\n{}, {} unreached in {:.1f} s ({:.0f} trials/s)\n",
             counts_text(result_.cells.size(), result_.pairs(), result_.trials(), result_.landed()),
             result_.unreached(), result_.seconds,
             static_cast<double>(result_.trials()) / std::max(result_.seconds, 1e-9));
}

void ProofPrinter::summary() const {
  sources();
  if (plan_.session().options.verbose) fmt::print("{}", stacks_line(result_));
  if (result_.landed_by_source().contains("direct")) floor();
  if (!left_out_.empty()) fmt::print("left out: {}\n", fmt::join(left_out_, "; "));
  if (!all_hold_) {
    fmt::print("not all claims hold\n");
  } else if (claims_ == 1) {
    fmt::print("the one claim holds{}\n", left_out_.empty() ? "" : ", as far as it was tried");
  } else {
    fmt::print("all {} claims hold{}\n", claims_,
               left_out_.empty() ? "" : ", as far as they were tried");
  }
}

}  // namespace sigsweep
