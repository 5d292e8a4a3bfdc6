#include "stress/host/storm_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <thread>
#include <utility>

#include "stress/host/progress.h"

namespace sigsweep {
namespace {

constexpr double kAccountsClose = 0.005;  // part of what was sent that may be unaccounted for

// ---- what the program says of itself

StormDescription::Account account_named(const std::string& source, const std::string& name) {
  using Account = StormDescription::Account;
  if (name == "unseen") return Account::unseen;
  if (name == "near") return Account::near;
  if (name == "exact") return Account::exact;
  throw Failure(kHarnessFailed,
                fmt::format("the storm's program: source {}: account={}: no such account; allowed: "
                            "unseen, near, exact",
                            source, name));
}

void take_description(const Record& r, StormDescription* out) {
  if (r.word() == "default") {
    out->protocol = r.text("protocol");
  } else if (r.word() == "source") {
    out->sources.push_back({r.text("name"), r.number("each_thread") != 0, r.number("sent") != 0,
                            r.number("overruns") != 0,
                            account_named(r.text("name"), r.text("account"))});
  } else if (r.word() == "mix") {
    out->mixes.push_back(r.text("name"));
  } else if (r.word() == "label") {
    out->labels[r.text("of")] = r.text("text");
  }
}

// The names given, `all` for those that there are.
std::vector<std::string> chosen(const char* flag, const std::vector<std::string>& given,
                                const std::vector<std::string>& known) {
  for (const std::string& name : given) {
    if (name == "all" || std::ranges::find(known, name) != known.end()) continue;
    throw Failure(kUsage, fmt::format("{} {}: no such name; allowed: all, {}", flag, name,
                                      fmt::join(known, ", ")));
  }
  return std::ranges::find(given, "all") != given.end() ? known : given;
}

std::string required_runner(const Session& session) {
  std::string path = storm_runner(session);
  if (!path.empty()) return path;
  throw Failure(kSkipped, fmt::format("skipped: no storm is built for isa {} ({}-storm)",
                                      session.options.isa, session.runner_path));
}

// ---- the runner

Record command_of(const char* word, const StormPlan& plan) {
  Record r(word);
  r.add("threads", plan.ms)
      .add("tasks", plan.gs)
      .add("duration", static_cast<std::uint64_t>(plan.seconds * 1e9))
      .add("period", plan.rate == 0 ? 0 : 1000000000 / plan.rate)
      .add("sources", fmt::format("{}", fmt::join(plan.sources, ",")))
      .add("mixes", fmt::format("{}", fmt::join(plan.mixes, ",")))
      .add("protocol", plan.protocol)
      .add("handlers", fmt::format("{}", fmt::join(plan.handlers, ",")))
      .add("nest", unsigned{plan.nest})
      .add("hold_rate", unsigned{plan.hold_rate})
      .add("seed", plan.seed);
  if (plan.altstack != 0) r.add("altstack", plan.altstack);
  if (!plan.last_words.empty()) r.add("last_words", plan.last_words);
  return r;
}

// A list of so many counts.
std::vector<std::uint64_t> numbers(const Record& r, const char* key, std::size_t count) {
  std::vector<std::uint64_t> values;
  for (const std::string& text : r.list(key)) values.push_back(std::stoull(text));
  if (values.size() == count) return values;
  throw Failure(kHarnessFailed, fmt::format("the storm's program: {}: {} counts, expected {}", key,
                                            values.size(), count));
}

LatencyRow latency_of(const Record& r, const char* key) {
  const auto values = numbers(r, key, 5);
  return LatencyRow{values[0], values[1], values[2], values[3], values[4]};
}

std::vector<SourceRow> source_rows(const Record& r, const StormPlan& plan,
                                   const std::vector<StormDescription::Source>& sources,
                                   double seconds) {
  const std::size_t count = sources.size();
  const auto sent = numbers(r, "sent", count), delivered = numbers(r, "delivered", count),
             overruns = numbers(r, "overruns", count), pending = numbers(r, "pending", count);
  std::vector<SourceRow> rows;
  for (std::size_t i = 0; i < count; i++) {
    const auto& source = sources[i];
    if (std::ranges::find(plan.sources, source.name) == plan.sources.end()) continue;
    const double rate = seconds > 0 ? static_cast<double>(delivered[i]) / seconds : 0;
    rows.push_back(SourceRow{source.name, source.counts_sent, sent[i], delivered[i],
                             source.counts_overruns, overruns[i], pending[i],
                             plan.rate * (source.each_thread ? plan.ms : 1), rate});
  }
  return rows;
}

// What the last record of a storm that is over, or dead, says.
void take_counts(const Record& r, const StormPlan& plan, StormResult* result) {
  StormRow& row = result->row;
  if (r.word().empty()) return;  // it died before its first word
  row.seconds = std::stod(r.text("seconds"));
  row.sources = source_rows(r, plan, result->described.sources, row.seconds);
  const std::vector<std::string>& mixes = result->described.mixes;
  const auto operations = numbers(r, "operations", mixes.size());
  for (std::size_t i = 0; i < mixes.size(); i++) row.operations[mixes[i]] = operations[i];
  row.legal = r.number("legal");
  row.calls = r.number("calls");
  row.rejected = r.number("rejected");
  row.ran = r.number("ran");
  row.nested = r.number("nested");
  row.no_progress = r.number("no_progress");
  row.backoffs = r.number("backoffs");
  row.handler_seconds = std::stod(r.text("handler_seconds"));
  row.first_violation = static_cast<double>(r.number("first_violation")) * 1e-9;
  row.collections = r.number("collections");
  row.backtraces = r.number("backtraces");
  row.latency = latency_of(r, "latency");
  row.entry = latency_of(r, "entry");
  row.verdicts.clear();
  for (const std::string& item : r.list("verdicts")) {
    const std::size_t colon = item.find(':');
    row.verdicts[item.substr(0, colon)] = std::stoull(item.substr(colon + 1));
  }
  const std::uint64_t hurt = r.number("handler_clobbered");
  if (hurt != 0) row.verdicts["handler-clobbered"] = hurt;
  row.wrong_stack = r.number("wrong_stack");
  result->made = r.number("made");
  result->finished = r.number("finished");
}

// Real throws in children, one after the other, each a small storm of its own.
void run_throws(const std::string& path, StormPlan plan, StormResult* result) {
  plan.ms = 2;
  plan.gs = 16;
  RunnerProcess runner(path, machine_isa());
  const Outcome outcome =
      runner.command(command_of("throws", plan).add("count", plan.throws), [&](const Record& r) {
        result->throws++;
        if (r.text("problem").empty()) return;
        result->bad_throws++;
        if (!result->bad_throw.empty()) return;
        result->bad_throw = r.text("problem") + "; it printed:\n" + r.text("output");
      });
  if (outcome.kind == Outcome::stopped || outcome.kind == Outcome::done) return;
  result->harness_problem = "the real throws could not be tried: " + outcome.message;
}

// What the storm's process said.
struct Heard {
  Record last;   // its counts
  Record threw;  // its last word, if it threw
};

Outcome listen(const Session& session, const StormPlan& plan, Heard* heard,
               std::vector<Record>* violations) {
  RunnerProcess runner(required_runner(session), machine_isa(), session.options.adapter);
  ProgressBar progress("storm, seconds", static_cast<std::uint64_t>(std::ceil(plan.seconds)));
  return runner.command(command_of("storm", plan), [&](const Record& r) {
    if (r.word() == "threw") heard->threw = r;
    if (r.word() == "violation") violations->push_back(r);
    if (r.word() == "tick" || r.word() == "storm") heard->last = r;
    if (r.word() == "tick") {
      const double seconds = std::min(std::stod(r.text("seconds")), plan.seconds);
      progress.step(static_cast<std::uint64_t>(seconds));
    }
  });
}

void take_death(const Outcome& outcome, const Record& threw, StormResult* result) {
  const std::string& said = outcome.said;  // of an adapter, its last line
  if (outcome.gave_up && threw.word().empty()) {
    result->harness_problem = said.empty() ? outcome.message + "; it says why above" : said;
    return;
  }
  result->death = outcome.message + (said.empty() ? "" : "; " + said);
  if (threw.word().empty()) return;
  result->death += fmt::format(" (thrown on {}: {})", threw.text("where"), threw.text("message"));
  result->row.false_reject += threw.number("false_reject");
}

// ---- what is held against what

bool accounts_close(StormDescription::Account account, const SourceRow& s) {
  using Account = StormDescription::Account;
  const std::uint64_t accounted = s.delivered + s.overruns + s.pending;
  if (account == Account::unseen) return true;
  if (account == Account::exact) return s.sent == accounted;
  const double off = std::abs(static_cast<double>(s.sent) - static_cast<double>(accounted));
  return off <= kAccountsClose * static_cast<double>(s.sent) + 1;
}

std::uint64_t delivered(const StormRow& row) {
  std::uint64_t sum = 0;
  for (const SourceRow& s : row.sources) sum += s.delivered;
  return sum;
}

bool calls_from_handlers(const StormPlan& plan) {
  return std::ranges::any_of(plan.handlers, [](const auto& h) { return calls_subject(h); });
}

// A storm whose process ended by itself.
void judge_whole(const StormPlan& plan, StormResult* result) {
  const StormRow& row = result->row;
  const StormDescription& described = result->described;
  for (const SourceRow& s : row.sources) {
    const auto source =
        std::ranges::find(described.sources, s.name, &StormDescription::Source::name);
    if (accounts_close(source->account, s)) continue;
    result->harness_problem = fmt::format(
        "the account of {} does not close: {} sent, {} delivered, {} overruns, {} pending", s.name,
        s.sent, s.delivered, s.overruns, s.pending);
  }
  if (plan.rate != 0 && delivered(row) == 0) result->harness_problem = "no signal landed";
  if (result->made != result->finished) {
    result->finding =
        fmt::format("{} of {} {} did not come to their end", result->made - result->finished,
                    result->made, described.label("tasks"));
  }
}

void judge(const Session& session, const StormPlan& plan, const VerdictSet& allowed,
           StormResult* result) {
  StormRow& row = result->row;
  const std::string& from_handlers = result->described.label("calls");
  const bool rejects = allowed == VerdictSet{Verdict::rejected};
  const bool promises = rejects || allowed == kOnlyOk;
  if (rejects) row.missed_reject = row.ran;
  if (result->death.empty()) {
    judge_whole(plan, result);
  } else {
    row.verdicts["crash"]++;
    if (promises) result->finding = "its process died: " + result->death;
  }
  for (const auto& [verdict, count] : row.verdicts) {
    if (verdict != "crash" && !contains(rejects ? kOnlyOk : allowed, verdict)) {
      result->finding = fmt::format("{} times {}", count, verdict);
    }
  }
  const bool under_signals = plan.rate != 0 && calls_from_handlers(plan);
  if (!promises && row.verdicts.empty() && under_signals &&
      session.protocol(plan.protocol).passes_slots) {
    result->finding = "the hazard that is expected was not found";
  }
  if (row.wrong_stack != 0) {
    result->finding = fmt::format("{} handlers were entered on a wrong stack, or against the ABI",
                                  row.wrong_stack);
  }
  if (row.missed_reject != 0)
    result->finding = fmt::format("{} calls {} were not rejected", row.ran, from_handlers);
  if (allowed == kOnlyOk && row.rejected != 0)
    result->finding = fmt::format("{} calls {} were rejected", row.rejected, from_handlers);
  if (row.false_reject != 0) result->finding = "a legal call was rejected";
  if (rejects && under_signals && row.rejected == 0 && result->finding.empty()) {
    result->harness_problem = fmt::format("no call was made {}", from_handlers);
  }
  if (promises && row.legal == 0 && result->death.empty() && result->finding.empty())
    result->harness_problem = "no legal call came to its end";
  if (result->bad_throws != 0) {
    result->finding = fmt::format("{} of {} real throws went wrong; the first: {}",
                                  result->bad_throws, result->throws, result->bad_throw);
  }
  row.expected = result->finding.empty();
}

// ---- an adapter's storm: what was not promised is only observed

VerdictSet adapter_allows(const Session& session, const StormPlan& plan) {
  const auto assumed = session.assumptions();
  VerdictSet all = kOnlyOk;
  for (const std::string& handler : plan.handlers) {
    const bool assumes = calls_subject(handler) && assumed.contains(plan.protocol);
    if (session.promised(plan.protocol, handler) && !assumes) continue;
    all |= session.allowed(plan.protocol, "", handler, assumed);
  }
  return all;
}

void judge_adapter(const Session& session, const StormPlan& plan, const Outcome& outcome,
                   StormResult* result) {
  StormRow& row = result->row;
  const VerdictSet allowed = adapter_allows(session, plan);
  std::string unfinished;
  if (result->death.empty()) {
    judge_whole(plan, result);
    if (outcome.kind == Outcome::trouble) result->finding = outcome.message;
    unfinished = std::exchange(result->finding, {});
    if (!unfinished.empty()) row.verdicts["hang"]++;
  } else {
    row.verdicts["crash"]++;
  }
  for (const auto& [verdict, count] : row.verdicts) {
    if (contains(allowed, verdict)) {
      result->observed.insert(verdict);
    } else if (verdict == "crash" && !result->death.empty()) {
      result->finding = "its process died: " + result->death;
    } else {
      result->finding = verdict == "hang" ? unfinished : fmt::format("{} times {}", count, verdict);
    }
  }
  if (row.wrong_stack != 0) {
    result->finding = fmt::format("{} handlers were entered on a wrong stack, or against the ABI",
                                  row.wrong_stack);
  }
  if (row.legal == 0 && result->death.empty() && row.verdicts.empty()) {
    result->harness_problem = "no operation came to its end";
  }
}

StormResult begun(const Session& session, const StormPlan& plan,
                  const StormDescription& described) {
  StormResult result;
  result.described = described;
  result.row.isa = session.options.isa;
  result.row.protocol = plan.protocol;
  result.row.handlers = plan.handlers;
  result.row.ms = plan.ms;
  result.row.gs = plan.gs;
  result.row.mixes = plan.mixes;
  result.row.nest = plan.nest;
  result.row.hold_rate = plan.hold_rate;
  result.row.rate_asked = plan.rate;
  return result;
}

// Where nothing throws, a storm of throws would never end.
void require_throws(const Session& session, const StormPlan& plan) {
  if (plan.throws == 0) return;
  const bool calls = calls_from_handlers(plan);
  if (plan.rate != 0 && calls &&
      session.protocol(plan.protocol).allowed == VerdictSet{Verdict::rejected})
    return;
  throw Failure(kUsage, fmt::format("--throws {}: protocol {} at rate {}{} throws nothing; a "
                                    "protocol that rejects, handlers and signals are needed",
                                    plan.throws, plan.protocol, plan.rate,
                                    calls ? "" : " without a handler that calls"));
}

}  // namespace

const std::string& StormDescription::label(const std::string& of) const {
  const auto at = labels.find(of);
  return at == labels.end() ? of : at->second;
}

std::string storm_runner(const Session& session) {
  const std::string& given = session.options.storm_runner;
  const std::string path = given.empty() ? session.runner_path + "-storm" : given;
  return std::filesystem::exists(path) ? path : std::string();
}

StormDescription describe_storm(const Session& session) {
  StormDescription described;
  RunnerProcess runner(required_runner(session), machine_isa(), session.options.adapter);
  const Outcome outcome =
      runner.command(Record("describe"), [&](const Record& r) { take_description(r, &described); });
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  const bool whole =
      !described.protocol.empty() && !described.sources.empty() && !described.mixes.empty();
  if (outcome.kind == Outcome::done && whole) return described;
  throw Failure(kHarnessFailed,
                fmt::format("{}: its description lacks protocol, sources or mixes{}{}",
                            runner.path(), outcome.message.empty() ? "" : ": ", outcome.message));
}

StormPlan resolved(const StormDescription& described, StormPlan plan) {
  if (plan.protocol.empty()) plan.protocol = described.protocol;
  std::vector<std::string> sources;
  for (const auto& source : described.sources) sources.push_back(source.name);
  plan.sources = chosen("--source", plan.sources, sources);
  plan.mixes = chosen("--mix", plan.mixes, described.mixes);
  return plan;
}

static void judge_built_in(const Session& session, const StormPlan& plan, const Outcome& outcome,
                           StormResult* result) {
  const auto assumed = session.assumptions();
  const auto at = assumed.find(plan.protocol);
  judge(session, plan,
        at == assumed.end() ? session.protocol(plan.protocol).allowed : VerdictSet{at->second},
        result);
  if (outcome.kind == Outcome::trouble) result->finding = outcome.message;
}

StormResult run_storm(const Session& session, const StormPlan& wanted,
                      const StormDescription& described) {
  const StormPlan plan = resolved(described, wanted);
  require_throws(session, plan);
  const std::string path = required_runner(session);
  StormResult result = begun(session, plan, described);
  std::thread thrower;
  StormResult throws;
  if (plan.throws != 0) thrower = std::thread(run_throws, path, plan, &throws);
  Heard heard;
  const Outcome outcome = listen(session, plan, &heard, &result.violations);
  if (thrower.joinable()) thrower.join();
  result.throws = throws.throws;
  result.bad_throws = throws.bad_throws;
  result.bad_throw = throws.bad_throw;
  take_counts(heard.last, plan, &result);
  if (outcome.kind == Outcome::trouble && heard.last.word().empty()) {
    throw Failure(kUsage, outcome.message);
  }
  result.stopped = outcome.kind == Outcome::stopped;
  if (outcome.kind == Outcome::died) take_death(outcome, heard.threw, &result);
  const bool gave_up = !result.harness_problem.empty();
  if (result.stopped || gave_up || !result.death.empty()) {  // nobody closed its accounts
    for (SourceRow& s : result.row.sources) s.counts_sent = false;
  }
  if (result.stopped || gave_up) return result;
  if (session.description.adapter) {
    judge_adapter(session, plan, outcome, &result);
  } else {
    judge_built_in(session, plan, outcome, &result);
  }
  if (result.harness_problem.empty()) result.harness_problem = throws.harness_problem;
  result.row.expected = result.finding.empty();
  return result;
}

StormResult run_storm(const Session& session, const StormPlan& plan) {
  return run_storm(session, plan, describe_storm(session));
}

}  // namespace sigsweep
