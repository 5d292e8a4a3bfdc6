// From flags to a plan; from its result to the report.
#include "stress/host/commands/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "stress/host/commands/adapter_page.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/commands/soak.h"
#include "stress/host/explanation.h"
#include "stress/host/shard.h"
#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ",") + part;
  return all;
}

void print_verdicts(const SweepResult& result) {
  std::map<std::string, std::map<std::string, std::uint64_t>> totals;
  for (const CellRow& row : result.cells) {
    for (const auto& [verdict, n] : row.verdicts) totals[row.protocol][verdict] += n;
  }
  for (const auto& [protocol, verdicts] : totals) {
    fmt::print("{:<16}", protocol);
    for (const auto& [verdict, n] : verdicts) fmt::print(" {} {}", n, verdict);
    fmt::print("\n");
  }
}

std::uint64_t mismatches(const SweepResult& result) {
  std::uint64_t sum = 0;
  for (const CellRow& row : result.cells) sum += row.predicted_mismatches;
  return sum;
}

constexpr std::size_t kShown = 3;  // findings printed in full; all are in the results

void report_findings(const Session& session, const SweepResult& result, ResultsWriter* writer) {
  const std::string folder =
      session.options.out.empty() ? "results/findings" : session.options.out + "/findings";
  std::size_t shown = 0;
  std::set<std::string> known;
  for (ReportedTrial example : result.examples) {
    if (example.expected) continue;
    const std::string id = finding_id(example);
    const std::string* const reason = session.known->reason(id);
    const bool is_shown = reason == nullptr && shown++ < kShown;
    if (is_shown) add_why(session, &example);
    writer->write(finding_row(session, example));
    if (reason != nullptr) known.insert(fmt::format("known finding {}: {}\n", id, *reason));
    if (is_shown) fmt::print("\n{}", render_finding(session, example, folder));
  }
  for (const std::string& line : known) fmt::print("{}", line);
  for (const BaselineProblem& p : result.without_signal) {
    fmt::print("\n{} {}: {} without any signal: {}\n", p.protocol, p.site, p.verdict, p.detail);
  }
  if (shown > kShown) fmt::print("\n... and {} more findings in the results.\n", shown - kShown);
}

// What the flags select.
SweepPlan plan_of(const Session& session) {
  const Options& o = session.options;
  SweepPlan plan;
  plan.inject = o.inject;
  plan.contain = o.contain;
  plan.no_red_zone = o.no_red_zone;
  plan.seed = o.seed;
  plan.per_boundary = o.per_boundary;
  plan.assumed = session.assumptions();
  const bool all = o.handlers == std::vector<std::string>{"all"};
  for (const std::string& protocol : session.protocols()) {
    add_cells(protocol, session.sites(), forms_of(o.depth),
              o.depth > 1 && all ? distinct_handlers(session, protocol) : session.handlers(),
              &plan);
  }
  return plan;
}

// Pairs are too many for all cells: throws Failure(kUsage) unless one is named.
void check_per_boundary(const Session& session, const std::string& file) {
  if (!session.options.per_boundary) return;
  if (file.empty()) {
    throw Failure(kUsage, "--per-boundary writes to a results file: --json FILE or --out DIR");
  }
  const auto protocols = session.protocols(), sites = session.sites(),
             handlers = session.handlers();
  if (session.options.depth < 2 ||
      (protocols.size() == 1 && sites.size() == 1 && handlers.size() == 1)) {
    return;
  }
  throw Failure(kUsage,
                fmt::format("--per-boundary --depth 2 takes one --protocol, one --site and one "
                            "--handler; {}, {} and {} are selected",
                            protocols.size(), sites.size(), handlers.size()));
}

// The same for every shard of one run.
std::string selection_of(const Session& session, const std::vector<std::string>& isas) {
  const Options& o = session.options;
  std::vector<std::string> assumed;
  for (const auto& [protocol, verdict] : session.assumptions())
    assumed.push_back(fmt::format("{}={}", protocol, verdict_name(verdict)));
  const auto& adapter = session.description.adapter;
  const std::string whose =
      adapter ? fmt::format("adapter={}/{}/{} ", adapter->name, adapter->version, adapter->build)
              : "";
  return whose + fmt::format(
                     "isa={} protocol={} site={} handler={} depth={} inject={} contain={} seed={} "
                     "assume={}{}{}",
                     join(isas), join(session.protocols()), join(session.sites()),
                     join(session.handlers()), std::max(1U, o.depth), o.inject, o.contain, o.seed,
                     join(assumed), o.no_red_zone ? " no-red-zone" : "",
                     o.per_boundary ? " per-boundary" : "");
}

// One ISA's part of it: as expected?
bool sweep_isa(const Session& session, const SweepPlan& plan, ResultsWriter* writer) {
  const SweepResult result = sweep(session, plan, writer);
  // A cut-off sweep has shown nothing of the rest.
  const bool whole = result.harness_problem.empty() && !result.stopped && result.cut_short.empty();
  if (session.description.adapter && whole) fmt::print("{}", adapter_page(session, result));
  print_verdicts(result);
  fmt::print(
      "{} cells, {} trials, {} signals landed, {} unreached, {} predicted mismatches, {:.1f} s, "
      "{:.0f} "
      "trials/s\n",
      result.cells.size(), result.trials(), result.landed(), result.unreached(), mismatches(result),
      result.seconds, static_cast<double>(result.trials()) / std::max(result.seconds, 1e-9));
  if (session.options.verbose) fmt::print("{}", stacks_line(result));
  report_findings(session, result, writer);
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  if (result.stopped) throw Failure(kStopped, "stopped; all lines written so far are complete");
  if (result.without_signal.empty() && result.landed() == 0 && !plan.groups.empty()) {
    throw Failure(kHarnessFailed, "no signal landed");
  }
  return result.as_expected(*session.known);
}

// Every ISA's part.
int sweep_all(const std::vector<Session>& sessions, const std::vector<SweepPlan>& plans,
              ResultsWriter* writer) {
  int status = kAsExpected;
  for (std::size_t i = 0; i < sessions.size(); i++) {
    if (sessions.size() > 1) fmt::print("isa {}\n", sessions[i].options.isa);
    if (!sweep_isa(sessions[i], plans[i], writer)) status = kFinding;
  }
  return status;
}

int soak_all(const std::vector<Session>& sessions) {
  int status = kAsExpected;
  for (const Session& session : sessions) {
    if (soak_command(session) != kAsExpected) status = kFinding;
  }
  return status;
}

// What is to be done here: a plan for each session, and the row that tells of all.
struct Work {
  std::vector<SweepPlan> plans;
  RunRow run;
};

Work work_of(const std::vector<Session>& sessions, const std::optional<Shard>& shard) {
  Work work;
  work.run = run_row(sessions.front());
  work.run.isas = names_of(sessions);
  work.run.selection = selection_of(sessions.front(), work.run.isas);
  if (!shard) {
    for (const Session& session : sessions) work.plans.push_back(plan_of(session));
    return work;
  }
  if (!shard->source.empty()) fmt::print(stderr, "shard {}: {}\n", shard->text(), shard->source);
  work.run.shard = shard->text();
  for (const Session& session : sessions) {
    SweepPart part = part_of(session, plan_of(session), *shard);
    work.plans.push_back(std::move(part.plan));
    work.run.selection += fmt::format(" points={}", part.points_of_all);
  }
  return work;
}

}  // namespace

int sweep_command(const Options& options) {
  std::optional<Shard> shard;
  if (!options.shard.empty()) shard = parse_shard(options.shard);
  std::vector<std::string> left_out;
  const std::vector<Session> sessions = open_sessions(options, &left_out);
  print_provenance(sessions.front());
  if (options.random != 0) return soak_all(sessions);
  for (const Session& session : sessions) require_source(session, options.inject);
  const std::string file =
      options.json.empty() && !options.out.empty() ? options.out + "/sweep.jsonl" : options.json;
  check_per_boundary(sessions.front(), file);
  Work work = work_of(sessions, shard);
  work.run.left_out = left_out;
  ResultsWriter writer(file);
  writer.write(work.run);
  const int status =
      write_to_end(&writer, [&] { return sweep_all(sessions, work.plans, &writer); });
  if (!file.empty()) fmt::print("results: {}\n", file);
  return status;
}

}  // namespace sigsweep
