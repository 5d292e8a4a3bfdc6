#include "stress/host/canary.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

struct Canary {
  std::string protocol, site;  // the site is its handler's, too
  std::string mix;             // of its storm: the operations that the oracle judges
};

std::optional<Canary> canary_of(const Session& session) {
  std::optional<Canary> canary;
  session.runner->command(Record("describe"), [&](const Record& r) {
    if (r.word() == "canary") canary = Canary{r.text("protocol"), r.text("site"), r.text("mix")};
  });
  return canary;
}

// Only ok, or only a rejection.
bool is_safe(const Session& session, const std::string& protocol) {
  const VerdictSet& allowed = session.protocol(protocol).allowed;
  return allowed == kOnlyOk || allowed == VerdictSet{Verdict::rejected};
}

// "3 arg-clobbered, 1 hang"; empty: nothing was found.
std::string found(const std::map<std::string, std::uint64_t>& verdicts) {
  std::string text;
  for (const auto& [verdict, n] : verdicts) {
    if (verdict == verdict_name(Verdict::ok) || n == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", n, verdict);
  }
  return text;
}

void say(const Canary& canary, const std::string& what, const std::string& tried) {
  if (what.empty()) {
    throw Failure(kHarnessFailed,
                  fmt::format("canary: {} at {} is known to be bad, and nothing was found in {}: "
                              "the harness is blind",
                              canary.protocol, canary.site, tried));
  }
  fmt::print("canary: {} at {}, known to be bad: found in {}: {}\n", canary.protocol, canary.site,
             tried, what);
}

}  // namespace

void check_canary(const Session& session, const SweepPlan& plan) {
  const auto safe = [&](const CellGroup& group) { return is_safe(session, group.protocol); };
  if (std::ranges::none_of(plan.groups, safe)) return;
  const auto canary = canary_of(session);
  if (!canary) return;
  SweepPlan one = plan;
  one.groups = {CellGroup{canary->protocol, canary->site, "single", {canary->site}, {}}};
  one.assumed.clear();
  one.per_boundary = false;
  ResultsWriter nowhere("");
  const SweepResult result = sweep(session, one, &nowhere);
  if (result.stopped || !result.harness_problem.empty()) return;  // the sweep itself will say so
  std::map<std::string, std::uint64_t> verdicts;
  for (const CellRow& row : result.cells) verdicts = row.verdicts;
  say(*canary, found(verdicts), fmt::format("{} trials", result.trials()));
}

void check_canary(const Session& session, const StormPlan& plan) {
  // Seconds. The longest is for a machine that is busy elsewhere.
  constexpr double kFirst = 0.1, kLongest = 8;
  const auto calls = [](const std::string& handler) { return calls_subject(handler); };
  if (plan.rate == 0 || std::ranges::none_of(plan.handlers, calls)) return;
  const auto canary = canary_of(session);
  if (!canary) return;
  if (!session.options.storm_runner.empty()) {
    fmt::print("canary: none, because nobody knows what another storm's program does\n");
    return;
  }
  const StormDescription described = describe_storm(session);
  if (!is_safe(session, resolved(described, plan).protocol)) return;
  StormPlan one = plan;
  one.protocol = canary->protocol;
  one.handlers = {canary->site};
  one.mixes = {canary->mix};
  one.rate = std::max(plan.rate, StormPlan{}.rate);  // a storm of a few signals may meet nothing
  one.throws = 0;
  one.last_words.clear();
  std::string what;
  double seconds = 0;
  for (double next = kFirst; what.empty() && next <= kLongest; next *= 2) {
    one.seconds = next;
    const StormResult result = run_storm(session, one, described);
    if (result.stopped || !result.harness_problem.empty()) return;  // the storm itself will say so
    what = found(result.row.verdicts);
    seconds += next;
  }
  say(*canary, what, fmt::format("{:.1f} s of its storm", seconds));
}

}  // namespace sigsweep
