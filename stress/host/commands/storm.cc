// `sigsweep storm`: its flags, its page, and replaying its violations in the exact lane.
#include "stress/host/commands/storm.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <exception>
#include <filesystem>
#include <fstream>
#include <set>

#include "stress/host/canary.h"
#include "stress/host/commands/adapter_page.h"
#include "stress/host/commands/replay.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/commands/sweep.h"
#include "stress/host/files.h"
#include "stress/host/finding.h"
#include "stress/host/report.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kHighestRate = 100000;  // one each 10 us
constexpr std::size_t kMostReplays = 400;

// ---- flags

// Of an adapter, --handler all leaves out a handler whose calls nobody promised to work: it may
// break anything, and then the storm says nothing of the rest.
std::vector<std::string> handlers_of(const Session& session, const std::string& protocol) {
  std::vector<std::string> handlers = session.handlers();
  const bool all = session.options.handlers == std::vector<std::string>{"all"};
  if (!session.description.adapter) {
    if (std::ranges::find(handlers, kObserveName) == handlers.end()) return handlers;
    throw Failure(kUsage,
                  "--handler observe: a storm takes no backtraces; allowed: none, all, and "
                  "the sites that call");
  }
  if (!all) return handlers;
  std::erase_if(handlers, [&](const std::string& handler) {
    const bool left_out = calls_subject(handler) && !session.promised(protocol, handler);
    if (left_out) {
      fmt::print(stderr,
                 "--handler all: without {}, which is not promised; --handler {} tries it\n",
                 handler, handler);
    }
    return left_out;
  });
  return handlers;
}

// Of one storm: what an earlier one with this seed left there is removed.
std::string last_words_of(const Options& options) {
  const fs::path findings = options.out.empty() ? "results/findings" : options.out + "/findings";
  const fs::path folder = fs::absolute(findings / fmt::format("storm-seed{}", options.seed));
  std::error_code error;
  fs::remove_all(folder, error);
  return folder.lexically_normal();
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
  const auto& known = session.description.catalog.protocols;
  plan.handlers = handlers_of(session, plan.protocol.empty() ? known.front() : plan.protocol);
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
  plan.sources = o.storm_sources;
  plan.mixes = o.mixes;
  plan.nest = o.nest;
  plan.hold_rate = o.hold_rate;
  plan.altstack = o.altstack;
  plan.throws = o.throws;
  plan.seed = o.seed;
  plan.last_words = last_words_of(o);
  return plan;
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
  schedule.adapter = session.description.catalog.adapter;
  schedule.protocol = plan.protocol;
  schedule.seed = plan.seed;
  schedule.operations.push_back(
      Operation{violation.text("site"), given(violation, "arguments"), {injection}});
  schedule.expect = Expectation{violation.text("verdict"), ""};
  schedule.origin =
      fmt::format("build=\"{}\" command=\"{}\"", build_description(), session.options.command_line);
  return schedule;
}

// Is that the phase which the storm saw? Its text is a part of the phase's head, at whole words: of
// an adapter the first one.
bool is_state(const std::string& head, const std::string& state) {
  return ("/" + head + "/").find("/" + state + "/") != head.npos;
}

// Does the exact lane see the same at that instruction as the storm? `found`: the exact lane's
// result, in the pass over the instruction that has the same state.
bool replays(const Session& session, const StormPlan& plan, const Record& violation,
             ReportedTrial* found) {
  constexpr std::uint32_t kMostPasses = 8;  // an operation of an adapter switches so often at most
  for (std::uint32_t nth = 1; nth <= (session.description.adapter ? kMostPasses : 2); nth++) {
    const Schedule schedule = schedule_of(session, plan, violation, nth);
    Replayed got;
    try {
      got = replay_schedule(session, schedule, "storm");
    } catch (const Failure& failure) {
      if (failure.status == kUsage) return false;  // no such boundary
      throw;
    }
    *found = ReportedTrial{schedule.isa,  schedule.protocol, true,
                           schedule.seed, got.account,       schedule.adapter};
    if (!is_state(found->phase().head(), violation.text("state"))) continue;
    return got.verdict == violation.text("verdict") && got.slots == violation.text("slots");
  }
  return false;
}

// What replays, and its protocol does not allow.
void note_finding(const Session& session, const ReportedTrial& e, std::vector<FindingRow>* found) {
  if (contains(session.allowed(e.protocol, e.site(), e.handler()), e.verdict())) return;
  found->push_back(finding_row(session, e));
}

void replay_violations(const Session& session, const StormPlan& plan, StormResult* result,
                       std::vector<FindingRow>* findings) {
  StormRow& row = result->row;
  std::set<std::string> written;
  for (const Record& violation : result->violations) {
    if (result->observed.contains(violation.text("verdict"))) continue;
    if (!violation.has("symbol")) {
      row.replay_apart++;
      continue;
    }
    if (row.replay_tried == kMostReplays || stop_requested) break;
    row.replay_tried++;
    ReportedTrial example;
    try {
      if (!replays(session, plan, violation, &example)) continue;
    } catch (const Failure& failure) {
      if (status_of(failure) != kStopped) throw;
      row.replay_tried--;
      break;  // what the storm has counted is written all the same
    }
    row.replay_same++;
    if (!written.insert(finding_id(example)).second) continue;
    note_finding(session, example, findings);
    if (!session.options.out.empty()) {
      write_schedule(example, session.options.out + "/findings", session.options.command_line);
    }
  }
}

// ---- the page

std::string count_or_dash(bool counted, std::uint64_t n) {
  return counted ? std::to_string(n) : "-";
}

std::string latency_line(const std::string& what, const LatencyRow& l) {
  if (l.count == 0) return {};
  return fmt::format("{:<26} p50 {} ns, p99 {} ns, p99.9 {} ns, max {} ns, of {}\n", what, l.p50,
                     l.p99, l.p999, l.max, l.count);
}

// What was sent, and what arrived.
std::string head_lines(const StormResult& result) {
  const StormRow& row = result.row;
  std::string page;
  if (row.adapter) {
    page = fmt::format("{} {}, handlers {}: ", row.adapter->name, row.adapter->version,
                       fmt::join(row.handlers, ", "));
  }
  page += fmt::format("{} on {} {}, {} {}, {:.1f} s{}\n", row.protocol, row.ms,
                      result.described.label("threads"), row.gs, result.described.label("tasks"),
                      row.seconds, row.nest ? ", handlers nest" : "");
  page += fmt::format("{:<10} {:>10} {:>12} {:>12} {:>12} {:>12} {:>10}\n", "source", "asked/s",
                      "reached/s", "sent", "delivered", "overruns", "pending");
  for (const SourceRow& s : row.sources) {
    page += fmt::format("{:<10} {:>10} {:>12.0f} {:>12} {:>12} {:>12} {:>10}\n", s.name,
                        s.rate_asked, s.rate_reached, count_or_dash(s.counts_sent, s.sent),
                        s.delivered, count_or_dash(s.counts_overruns, s.overruns),
                        count_or_dash(s.counts_sent, s.pending));
  }
  return page;
}

// The confusion matrix.
std::string call_lines(const StormResult& result) {
  const StormRow& row = result.row;
  const StormDescription& of = result.described;
  return fmt::format("\n{:<26} {:>14} {:>14}\n", of.label("call"), "rejected", "ran") +
         fmt::format("{:<26} {:>14} {:>14}\n", of.label("calls"), row.rejected, row.ran) +
         fmt::format("{:<26} {:>14} {:>14}\n\n", of.label("legal"), row.false_reject, row.legal);
}

// The work that was done, and what it cost.
std::string cost_lines(const StormResult& result) {
  const StormRow& row = result.row;
  const StormDescription& of = result.described;
  std::string page = "operations";
  for (const auto& [mix, count] : row.operations) page += fmt::format("  {} {}", mix, count);
  page += "; ";
  if (of.labels.contains("collections"))
    page += fmt::format("{} {}, ", row.collections, of.label("collections"));
  page += fmt::format("{} of {} {} finished\n", result.finished, result.made, of.label("tasks"));
  page += latency_line(of.label("latency"), row.latency);
  page += latency_line("from send to handler", row.entry);
  page += fmt::format(
      "{} nested signals, {} that found no progress, {} times slowed down, {:.2f} s in handlers\n",
      row.nested, row.no_progress, row.backoffs, row.handler_seconds);
  if (row.adapter) page += fmt::format("{} backtraces\n", row.backtraces);
  if (result.throws != 0) {
    page += fmt::format("{} real throws in children; {} in {}\n", result.throws, of.label("throw"),
                        result.throws - result.bad_throws);
  }
  return page;
}

// What went wrong.
std::string violation_lines(const StormResult& result) {
  const StormRow& row = result.row;
  std::string page;
  for (const auto& [verdict, count] : row.verdicts) {
    const bool observed = result.observed.contains(verdict);
    page +=
        fmt::format("{} {}{}\n", count, verdict, observed ? ", only observed: not promised" : "");
  }
  if (row.wrong_stack != 0)
    page += fmt::format("{} handlers entered on a wrong stack\n", row.wrong_stack);
  if (row.first_violation > 0)
    page += fmt::format("the first after {:.4f} s\n", row.first_violation);
  if (row.replay_tried != 0) {
    page += fmt::format(
        "{} of {} violations replay in the exact lane with the same site, state{} verdict; {} "
        "apart (several signals, or not in injectable code)\n",
        row.replay_same, row.replay_tried, row.adapter ? " and" : ", slots and", row.replay_apart);
  }
  if (!result.death.empty()) page += fmt::format("its process died: {}\n", result.death);
  return page;
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

std::string render_storm(const StormResult& result) {
  return head_lines(result) + call_lines(result) + cost_lines(result) + violation_lines(result);
}

namespace {

// Not every subject has a workload.
void require_storm(const Session& session) {
  if (session.options.subject == kSubjects[0] || !storm_runner(session).empty()) return;
  throw Failure(kSkipped,
                fmt::format("skipped: a storm of subject {} is not built ({}-storm); `sweep` takes "
                            "{}",
                            session.options.subject, session.runner_path,
                            session.options.adapter.empty() ? "it" : "the adapter"));
}

// What a developer can open: what its process left, and how to run it again.
std::string left_lines(const Session& session, const StormPlan& plan, const StormResult& result) {
  if (result.finding.empty() && result.death.empty()) return {};
  std::string page = fmt::format("seed {}; again: {}\n", plan.seed, session.options.command_line);
  std::error_code error;
  const fs::path threads = fs::path(plan.last_words) / "threads.txt";
  if (!fs::exists(threads, error)) return page;
  page += fmt::format("where its threads stood: {}\n", threads.string());
  if (result.death.empty()) return page;
  for (const fs::path& each : files_in(plan.last_words)) {
    if (!each.filename().string().starts_with("core")) continue;
    return page + fmt::format("its core: gdb {} {}\n", shell_quoted(storm_runner(session)),
                              shell_quoted(each));
  }
  std::ifstream in("/proc/sys/kernel/core_pattern");
  std::string pattern;
  std::getline(in, pattern);
  return page + fmt::format(
                    "no core lies beside it: `ulimit -H -c` and the pattern in "
                    "/proc/sys/kernel/core_pattern ({}) decide that\n",
                    pattern);
}

int storm_and_judge(const Session& session, const StormPlan& plan,
                    const StormDescription& described, ResultsWriter* writer) {
  check_canary(session, plan);
  StormResult result = run_storm(session, plan, described);
  const bool same_build = session.options.storm_runner.empty();  // so the boundaries are the same
  std::vector<FindingRow> findings;
  if (!result.stopped && same_build) replay_violations(session, plan, &result, &findings);
  result.row.adapter = adapter_row(session);
  result.row.finding = result.finding;
  writer->write(result.row);
  for (const FindingRow& finding : findings) writer->write(finding);
  fmt::print("{}{}", render_storm(result), left_lines(session, plan, result));
  if (result.stopped || stop_requested)
    throw Failure(kStopped, "stopped; all lines written so far are complete");
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  fmt::print("{}\n", result.finding.empty() ? "as expected" : "finding: " + result.finding);
  return result.finding.empty() ? kAsExpected : kFinding;
}

int run_storm_command(const Options& options, ReportBuilder* report) {
  const Session session = open_session(options);
  require_storm(session);
  StormPlan plan = plan_of(session);
  StormDescription described;
  std::exception_ptr undescribed;  // it has its place in the results file
  try {
    described = describe_storm(session);
  } catch (const Failure&) {
    undescribed = std::current_exception();
  }
  if (!undescribed) plan = resolved(described, plan);
  print_provenance(session);
  ResultsWriter writer(
      options.json.empty() && !options.out.empty() ? options.out + "/storm.jsonl" : options.json,
      report);
  writer.write(run_row(session));
  return write_to_end(&writer, [&] {
    if (undescribed) std::rethrow_exception(undescribed);
    return storm_and_judge(session, plan, described, &writer);
  });
}

}  // namespace

int storm_command(const Options& options) {
  return with_reports(options, "storm",
                      [&](ReportBuilder* report) { return run_storm_command(options, report); });
}

}  // namespace sigsweep
