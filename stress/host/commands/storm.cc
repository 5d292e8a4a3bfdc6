// Running a storm, holding its counts against what the protocol promises, and replaying its
// violations in the exact lane.
#include "stress/host/commands/storm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>
#include <thread>

#include "stress/host/commands/replay.h"
#include "stress/host/commands/sweep.h"
#include "stress/host/finding.h"
#include "stress/host/progress.h"

namespace sigsweep {
namespace {

constexpr const char* kSources[] = {
#define SOURCE(name, ...) #name,
#include "stress/storm/sources.def"
#undef SOURCE
};
constexpr struct {
  bool each_m, counts_sent, counts_overruns;
} kOfSource[] = {
#define SOURCE(name, signal, each_m, waiting, sent, overruns, summary) {each_m, sent, overruns},
#include "stress/storm/sources.def"
#undef SOURCE
};
constexpr const char* kMixes[] = {"alloc", "sched", "gc", "slots"};
constexpr std::uint64_t kHighestRate = 100000;  // one each 10 us
constexpr double kAccountsClose = 0.005;        // part of what was sent that may be unaccounted for
constexpr std::size_t kMostReplays = 400;

// ---- flags

template <std::size_t N>
std::vector<std::string> chosen(const char* flag, const std::vector<std::string>& given,
                                const char* const (&known)[N]) {
  std::vector<std::string> names;
  for (const std::string& name : given) {
    if (name == "all") return {std::begin(known), std::end(known)};
    if (std::ranges::find(known, name) == std::end(known)) {
      throw Failure(kUsage, fmt::format("{} {}: no such name; allowed: all, {}", flag, name,
                                        fmt::join(known, ", ")));
    }
    names.push_back(name);
  }
  return names;
}

StormPlan plan_of(const Session& session) {
  const Options& o = session.options;
  StormPlan plan;
  const auto protocols = session.protocols();
  if (o.protocols != std::vector<std::string>{"all"}) {
    if (protocols.size() != 1) {
      throw Failure(kUsage, "--protocol: a storm is of one protocol");
    }
    plan.protocol = protocols[0];
  }
  plan.handlers = session.handlers();
  plan.ms = o.ms;
  plan.gs = o.gs;
  if (!o.duration.empty()) plan.seconds = parse_duration(o.duration);
  if (o.rate > kHighestRate) {
    throw Failure(kUsage,
                  fmt::format("--rate {}: faster timers find less, not more; allowed: 0 to {} "
                              "signals a second (one each 10 us)",
                              o.rate, kHighestRate));
  }
  plan.rate = o.rate;
  plan.sources = chosen("--source", o.storm_sources, kSources);
  plan.mixes = chosen("--mix", o.mixes, kMixes);
  plan.nest = o.nest;
  plan.hold_rate = o.hold_rate;
  plan.altstack = o.altstack;
  plan.throws = o.throws;
  plan.seed = o.seed;
  return plan;
}

// ---- the runner

Record command_of(const char* word, const StormPlan& plan) {
  Record r(word);
  r.add("ms", plan.ms)
      .add("gs", plan.gs)
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
  return r;
}

std::vector<std::uint64_t> numbers(const Record& r, const char* key) {
  std::vector<std::uint64_t> values;
  for (const std::string& text : r.list(key)) values.push_back(std::stoull(text));
  return values;
}

LatencyRow latency_of(const Record& r, const char* key) {
  const auto values = numbers(r, key);
  if (values.size() != 5) return {};
  return LatencyRow{values[0], values[1], values[2], values[3], values[4]};
}

// What the last record of a storm that is over, or dead, says.
void take_counts(const Record& r, const StormPlan& plan, StormResult* result) {
  StormRow& row = result->row;
  if (r.word().empty()) return;  // it died before its first word
  row.seconds = std::stod(r.text("seconds"));
  const auto sent = numbers(r, "sent"), delivered = numbers(r, "delivered"),
             overruns = numbers(r, "overruns"), pending = numbers(r, "pending"),
             operations = numbers(r, "operations");
  row.sources.clear();
  for (std::size_t i = 0; i < std::size(kSources); i++) {
    if (std::ranges::find(plan.sources, kSources[i]) == plan.sources.end()) continue;
    const double rate = row.seconds > 0 ? static_cast<double>(delivered[i]) / row.seconds : 0;
    const auto& of = kOfSource[i];
    row.sources.push_back(SourceRow{kSources[i], of.counts_sent, sent[i], delivered[i],
                                    of.counts_overruns, overruns[i], pending[i],
                                    plan.rate * (of.each_m ? plan.ms : 1), rate});
  }
  for (std::size_t i = 0; i < std::size(kMixes); i++) row.operations[kMixes[i]] = operations[i];
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

// ---- what is held against what

bool accounts_close(const SourceRow& s) {
  const std::uint64_t accounted = s.delivered + s.overruns + s.pending;
  if (s.name == "sigqueue") return s.sent == accounted;
  if (s.name != "timer") return true;  // plain signals coalesce unseen
  const double off = std::abs(static_cast<double>(s.sent) - static_cast<double>(accounted));
  return off <= kAccountsClose * static_cast<double>(s.sent) + 1;
}

std::uint64_t delivered(const StormRow& row) {
  std::uint64_t sum = 0;
  for (const SourceRow& s : row.sources) sum += s.delivered;
  return sum;
}

bool calls_from_handlers(const StormPlan& plan) {
  return std::ranges::any_of(plan.handlers, [](const auto& h) { return h != "none"; });
}

// A storm whose process ended by itself.
void judge_whole(const StormPlan& plan, StormResult* result) {
  const StormRow& row = result->row;
  for (const SourceRow& s : row.sources) {
    if (accounts_close(s)) continue;
    result->harness_problem = fmt::format(
        "the account of {} does not close: {} sent, {} delivered, {} overruns, {} pending", s.name,
        s.sent, s.delivered, s.overruns, s.pending);
  }
  if (plan.rate != 0 && delivered(row) == 0) result->harness_problem = "no signal landed";
  if (result->made != result->finished) {
    result->finding = fmt::format("{} of {} Gs did not come to their end",
                                  result->made - result->finished, result->made);
  }
}

void judge(const Session& session, const StormPlan& plan, const VerdictSet& allowed,
           StormResult* result) {
  StormRow& row = result->row;
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
    result->finding = fmt::format("{} calls from gsignal were not rejected", row.ran);
  if (allowed == kOnlyOk && row.rejected != 0)
    result->finding = fmt::format("{} calls from gsignal were rejected", row.rejected);
  if (row.false_reject != 0) result->finding = "a legal call was rejected";
  if (rejects && under_signals && row.rejected == 0 && result->finding.empty()) {
    result->harness_problem = "no call was made from gsignal";
  }
  if (promises && row.legal == 0 && result->death.empty() && result->finding.empty())
    result->harness_problem = "no legal call came to its end";
  if (result->bad_throws != 0) {
    result->finding = fmt::format("{} of {} real throws went wrong; the first: {}",
                                  result->bad_throws, result->throws, result->bad_throw);
  }
  row.expected = result->finding.empty();
}

// ---- from storm to schedule

std::vector<Argument> given(const Record& r, const char* key) {
  std::vector<Argument> args;
  for (const std::string& item : r.list(key)) {
    const std::size_t colon = item.find(':');
    args.push_back({item.substr(0, colon), std::stoull(item.substr(colon + 1))});
  }
  return args;
}

Schedule schedule_of(const Session& session, const StormPlan& plan, const Record& violation,
                     std::uint32_t nth) {
  Injection injection;
  injection.signal = "SIGPROF";
  injection.at = BoundaryName{violation.text("symbol"), violation.number("offset"), nth};
  injection.handler = violation.text("handler");
  injection.args = given(violation, "handler_arguments");
  Schedule schedule;
  schedule.isa = session.options.isa;
  schedule.protocol = plan.protocol;
  schedule.seed = plan.seed;
  schedule.operations.push_back(
      Operation{violation.text("site"), given(violation, "arguments"), {injection}});
  schedule.expect = Expectation{violation.text("verdict"), ""};
  schedule.origin =
      fmt::format("build=\"{}\" command=\"{}\"", build_description(), session.options.command_line);
  return schedule;
}

// Does the exact lane see, at that instruction, what the storm saw? `found` is what it saw, where
// the state is the storm's: the pass over the instruction whose g and SP are the same.
bool replays(const Session& session, const StormPlan& plan, const Record& violation,
             Example* found) {
  for (std::uint32_t nth = 1; nth <= 2; nth++) {
    const Schedule schedule = schedule_of(session, plan, violation, nth);
    Replayed got;
    try {
      got = replay_schedule(session, schedule, "storm");
    } catch (const Failure& failure) {
      if (failure.status == kUsage) return false;  // no such boundary
      throw;
    }
    if (got.record.text("phase").find("/" + violation.text("state") + "/") == std::string::npos)
      continue;
    *found = Example{schedule.isa, schedule.protocol, true, schedule.seed, got.record};
    return got.verdict == violation.text("verdict") && got.slots == violation.text("slots");
  }
  return false;
}

void replay_violations(const Session& session, const StormPlan& plan, StormResult* result) {
  StormRow& row = result->row;
  std::set<std::string> written;
  for (const Record& violation : result->violations) {
    if (!violation.has("symbol")) {
      row.replay_apart++;
      continue;
    }
    if (row.replay_tried == kMostReplays || stop_requested) break;
    row.replay_tried++;
    Example example;
    try {
      if (!replays(session, plan, violation, &example)) continue;
    } catch (const Failure& failure) {
      if (status_of(failure) != kStopped) throw;
      row.replay_tried--;
      break;  // what the storm has counted is written all the same
    }
    row.replay_same++;
    if (written.insert(finding_id(example)).second && !session.options.out.empty()) {
      write_schedule(example, session.options.out + "/findings", session.options.command_line);
    }
  }
}

std::string count_or_dash(bool counted, std::uint64_t n) {
  return counted ? std::to_string(n) : "-";
}

std::string latency_line(const char* what, const LatencyRow& l) {
  if (l.count == 0) return {};
  return fmt::format("{:<26} p50 {} ns, p99 {} ns, p99.9 {} ns, max {} ns, of {}\n", what, l.p50,
                     l.p99, l.p999, l.max, l.count);
}

StormResult begun(const Session& session, const StormPlan& plan) {
  StormResult result;
  result.row.isa = session.options.isa;
  result.row.protocol = plan.protocol;
  result.row.ms = plan.ms;
  result.row.gs = plan.gs;
  result.row.mixes = plan.mixes;
  result.row.nest = plan.nest;
  result.row.hold_rate = plan.hold_rate;
  result.row.rate_asked = plan.rate;
  return result;
}

// What the storm's process said.
struct Heard {
  Record last;   // its counts
  Record threw;  // its last word, if it threw
};

Outcome listen(const std::string& path, const StormPlan& plan, Heard* heard,
               std::vector<Record>* violations) {
  RunnerProcess runner(path, machine_isa());
  Progress progress("storm, seconds", static_cast<std::uint64_t>(std::ceil(plan.seconds)));
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
  result->death = outcome.message;
  if (threw.word().empty()) return;
  const std::string& message = threw.text("message");
  result->death += fmt::format(" (thrown on {}: {})", threw.text("where"), message);
  if (threw.text("where") != "gsignal" && message.starts_with("onM_called_from")) {
    result->row.false_reject++;
  }
}

}  // namespace

double parse_duration(const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const std::string unit(at, end);
  const double scale = unit.empty() || unit == "s" ? 1 : unit == "ms" ? 1e-3 : unit == "m" ? 60 : 0;
  if (error != std::errc{} || scale == 0 || !(number > 0 && number <= 1e6)) {
    throw Failure(kUsage,
                  fmt::format("--duration {}: a time is expected, as in 500ms, 10s, 2m", text));
  }
  return number * scale;
}

std::string storm_runner(const Session& session) {
  const std::string& given = session.options.storm_runner;
  const std::string path = given.empty() ? session.runner_path + "-storm" : given;
  return std::filesystem::exists(path) ? path : std::string();
}

namespace {

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

StormResult run_storm(const Session& session, const StormPlan& plan) {
  require_throws(session, plan);
  const std::string path = storm_runner(session);
  if (path.empty() || !std::filesystem::exists(path)) {
    throw Failure(kSkipped, fmt::format("skipped: no storm is built for isa {} ({}-storm)",
                                        session.options.isa, session.runner_path));
  }
  StormResult result = begun(session, plan);
  std::thread thrower;
  StormResult throws;
  if (plan.throws != 0) thrower = std::thread(run_throws, path, plan, &throws);
  Heard heard;
  const Outcome outcome = listen(path, plan, &heard, &result.violations);
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
  if (result.stopped || !result.death.empty()) {  // nobody closed its accounts
    for (SourceRow& s : result.row.sources) s.counts_sent = false;
  }
  if (result.stopped) return result;
  const auto assumed = session.assumptions();
  const auto at = assumed.find(plan.protocol);
  judge(session, plan,
        at == assumed.end() ? session.protocol(plan.protocol).allowed : VerdictSet{at->second},
        &result);
  if (outcome.kind == Outcome::trouble) result.finding = outcome.message;
  if (result.harness_problem.empty()) result.harness_problem = throws.harness_problem;
  result.row.expected = result.finding.empty();
  return result;
}

std::string render_storm(const StormResult& result) {
  const StormRow& row = result.row;
  std::string page = fmt::format("{} on {} Ms, {} Gs, {:.1f} s{}\n", row.protocol, row.ms, row.gs,
                                 row.seconds, row.nest ? ", handlers nest" : "");
  page += fmt::format("{:<10} {:>10} {:>12} {:>12} {:>12} {:>12} {:>10}\n", "source", "asked/s",
                      "reached/s", "sent", "delivered", "overruns", "pending");
  for (const SourceRow& s : row.sources) {
    page += fmt::format("{:<10} {:>10} {:>12.0f} {:>12} {:>12} {:>12} {:>10}\n", s.name,
                        s.rate_asked, s.rate_reached, count_or_dash(s.counts_sent, s.sent),
                        s.delivered, count_or_dash(s.counts_overruns, s.overruns),
                        count_or_dash(s.counts_sent, s.pending));
  }
  page += fmt::format("\n{:<26} {:>14} {:>14}\n", "a call of onM", "rejected", "ran");
  page += fmt::format("{:<26} {:>14} {:>14}\n", "from gsignal", row.rejected, row.ran);
  page += fmt::format("{:<26} {:>14} {:>14}\n\n", "legal, from curg and g0", row.false_reject,
                      row.legal);
  page += fmt::format("operations");
  for (const auto& [mix, count] : row.operations) page += fmt::format("  {} {}", mix, count);
  page += fmt::format("; {} collections, {} of {} Gs finished\n", row.collections, result.finished,
                      result.made);
  page += latency_line("an operation of slots", row.latency);
  page += latency_line("from send to handler", row.entry);
  page += fmt::format(
      "{} nested signals, {} that found no progress, {} times slowed down, {:.2f} s in handlers\n",
      row.nested, row.no_progress, row.backoffs, row.handler_seconds);
  if (result.throws != 0) {
    page +=
        fmt::format("{} real throws in children; message, one traceback and exit status 2 in {}\n",
                    result.throws, result.throws - result.bad_throws);
  }
  for (const auto& [verdict, count] : row.verdicts) page += fmt::format("{} {}\n", count, verdict);
  if (row.wrong_stack != 0)
    page += fmt::format("{} handlers entered on a wrong stack\n", row.wrong_stack);
  if (row.first_violation > 0)
    page += fmt::format("the first after {:.4f} s\n", row.first_violation);
  if (row.replay_tried != 0) {
    page += fmt::format(
        "{} of {} violations replay in the exact lane with the same site, state, slots and "
        "verdict; {} apart (several signals, or not in injectable code)\n",
        row.replay_same, row.replay_tried, row.replay_apart);
  }
  if (!result.death.empty()) page += fmt::format("its process died: {}\n", result.death);
  return page;
}

namespace {

int storm_and_judge(const Session& session, const StormPlan& plan, ResultsWriter* writer) {
  StormResult result = run_storm(session, plan);
  const bool same_build = session.options.storm_runner.empty();  // so the boundaries are the same
  if (!result.stopped && same_build) replay_violations(session, plan, &result);
  writer->write(result.row);
  fmt::print("{}", render_storm(result));
  if (result.stopped || stop_requested)
    throw Failure(kStopped, "stopped; what is written is whole");
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  fmt::print("{}\n", result.finding.empty() ? "as expected" : "finding: " + result.finding);
  return result.finding.empty() ? kAsExpected : kFinding;
}

}  // namespace

int storm_command(const Options& options) {
  if (options.subject != "onm") throw Failure(kUsage, "storm: only subject onm has one");
  const Session session = open_session(options);
  const StormPlan plan = plan_of(session);
  print_provenance(options);
  ResultsWriter writer(options.json.empty() && !options.out.empty() ? options.out + "/storm.jsonl"
                                                                    : options.json);
  writer.write(RunRow{version(),
                      build_description(),
                      options.command_line,
                      {options.isa},
                      {},
                      options.seed,
                      "",
                      ""});
  return write_to_end(&writer, [&] { return storm_and_judge(session, plan, &writer); });
}

}  // namespace sigsweep
