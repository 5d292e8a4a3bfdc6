// From flags to a plan; from its result to the report.
#include "stress/host/commands/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>

#include "stress/host/canary.h"
#include "stress/host/commands/adapter_page.h"
#include "stress/host/commands/run_row.h"
#include "stress/host/commands/soak.h"
#include "stress/host/commands/subject_rows.h"
#include "stress/host/demangle.h"
#include "stress/host/disassembly.h"
#include "stress/host/explanation.h"
#include "stress/host/report.h"
#include "stress/host/shard.h"
#include "stress/host/strip_text.h"
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
    if (row.not_judged == 0) continue;
    totals[row.protocol]["not-judged"] += row.not_judged;
    totals[row.protocol][std::string(verdict_name(Verdict::ok))] -= row.not_judged;
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

std::string findings_folder(const Session& session) {
  return session.options.out.empty() ? "results/findings" : session.options.out + "/findings";
}

constexpr std::size_t kReported = 100;  // cells whose first finding is in full in --junit's report

// Gives a report the page of each cell's first finding.
class FirstPages {
 public:
  // `report`: null: there is none.
  FirstPages(const Session& session, ReportBuilder* report) : session_(session), report_(report) {}
  void take(const ReportedTrial& finding) {
    if (report_ == nullptr || cells_.size() >= kReported) return;
    if (!cells_.emplace(finding.protocol, finding.site(), finding.handler()).second) return;
    report_->page(finding_id(finding),
                  render_finding(session_, finding, findings_folder(session_)));
  }

 private:
  const Session& session_;
  ReportBuilder* report_;
  std::set<std::tuple<std::string, std::string, std::string>> cells_;
};

// Findings whose signal landed in front of one instruction, one for each id.
using FindingGroup = std::vector<const ReportedTrial*>;

// "crash ID ID, hang ID"
std::string ids_of(std::span<const ReportedTrial* const> group) {
  std::map<std::string, std::string> ids;  // by verdict
  for (const ReportedTrial* trial : group)
    ids[std::string(trial->verdict())] += " " + finding_id(*trial);
  std::string text;
  for (const auto& [verdict, all] : ids)
    text.append(text.empty() ? "" : ", ").append(verdict).append(all);
  return text;
}

constexpr std::size_t kShown = 3;   // groups printed in full; all are in the results
constexpr std::size_t kNamed = 20;  // further ones, in a line each

std::string counted(std::size_t n, const char* what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

// In the order in which they came. Writes a row for each finding. `known`: those that are
// acknowledged, a line each.
std::vector<FindingGroup> group_findings(const Session& session, SweepResult* result,
                                         ResultsWriter* writer, std::set<std::string>* known) {
  FirstPages pages(session, writer->report());
  std::vector<FindingGroup> groups;
  std::map<std::tuple<std::string, std::string, std::uint64_t>, std::size_t> at;  // by instruction
  std::set<std::string> seen;
  for (ReportedTrial& example : result->examples) {
    if (example.expected) continue;
    const std::string id = finding_id(example);
    const std::string* const reason = session.known->reason(id);
    if (reason != nullptr) known->insert(fmt::format("known finding {}: {}\n", id, *reason));
    if (reason == nullptr && seen.insert(id).second) {
      const CodePlace place = place_of(blamed(example.account));
      const auto [group, fresh] =
          at.try_emplace({place.module, place.symbol, place.offset}, groups.size());
      if (fresh) groups.emplace_back();
      groups[group->second].push_back(&example);
      if (fresh && groups.size() <= kShown) add_why(session, &example);
    }
    pages.take(example);
    writer->write(finding_row(session, example));
  }
  return groups;
}

// In a line each: they are many, and alike.
void print_without_signal(const Session& session, const SweepResult& result,
                          ResultsWriter* writer) {
  std::vector<std::pair<std::string, std::vector<std::string>>> problems;  // and where each is
  for (const BaselineProblem& p : result.without_signal) {
    writer->write(BaselineRow{session.options.isa, p.protocol, p.site, p.verdict, p.detail});
    const std::string what = fmt::format("{} without any signal: {}", p.verdict, p.detail);
    auto same = std::ranges::find(problems, what, [](const auto& row) { return row.first; });
    if (same == problems.end()) same = problems.insert(same, {what, {}});
    same->second.push_back(fmt::format("{} {}", p.protocol, p.site));
  }
  if (!problems.empty()) fmt::print("\n");
  for (const auto& [what, where] : problems) {
    const std::string times = where.size() == 1 ? "" : fmt::format("{} times ", where.size());
    fmt::print("{}{} ({})\n", times, what, fmt::join(where, ", "));
  }
}

void print_group(const Session& session, const FindingGroup& group, const std::string& folder) {
  fmt::print("\n{}", render_finding(session, *group.front(), folder));
  const auto others = std::span(group).subspan(1);
  for (const ReportedTrial* trial : others)
    write_schedule(*trial, folder, session.options.command_line);
  if (!others.empty()) fmt::print("at this instruction also: {}\n", ids_of(others));
}

void report_findings(const Session& session, SweepResult* result, ResultsWriter* writer) {
  const std::string folder = findings_folder(session);
  std::set<std::string> known;
  const auto groups = group_findings(session, result, writer, &known);
  for (std::size_t i = 0; i < groups.size() && i < kShown; i++)
    print_group(session, groups[i], folder);
  for (const std::string& line : known) fmt::print("{}", line);
  const bool explains = std::ranges::any_of(groups, [](const FindingGroup& group) {
    const CodePlace place = place_of(blamed(group.front()->account));
    return is_made_up(place.symbol, place.module);
  });
  if (explains) fmt::print("\n{}", kMadeUpNames);
  print_without_signal(session, *result, writer);
  if (groups.size() <= kShown) return;
  fmt::print("\n... and findings at {} more, whole in the results of --json FILE:\n",
             counted(groups.size() - kShown, "instruction"));
  for (std::size_t i = kShown; i < groups.size() && i < kShown + kNamed; i++) {
    const CodePlace place = place_of(blamed(groups[i].front()->account));
    fmt::print("  {}+{:#x}: {}\n", demangled(place.symbol), place.offset, ids_of(groups[i]));
  }
  if (groups.size() > kShown + kNamed)
    fmt::print("  ... and at {} more\n", groups.size() - kShown - kNamed);
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

// Pairs are too many for all cells: throws Failure(kUsage) unless one operation and one handler are
// named.
void check_per_boundary(const Session& session, const std::string& file) {
  if (!session.options.per_boundary) return;
  if (file.empty()) {
    throw Failure(kUsage, "--per-boundary writes to a results file: --json FILE or --out DIR");
  }
  const auto sites = session.sites(), handlers = session.handlers();
  if (session.options.depth < 2 || (sites.size() == 1 && handlers.size() == 1)) return;
  throw Failure(
      kUsage, fmt::format("--per-boundary --depth 2 takes one --site and one --handler; {} and {} "
                          "are selected",
                          sites.size(), handlers.size()));
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

// Trials of cells without a prediction have nothing to differ from.
std::string mismatches_text(const SweepResult& result) {
  if (std::ranges::none_of(result.cells, &CellRow::predicted)) return "nothing predicted";
  return fmt::format("{} predicted mismatches", mismatches(result));
}

// Throws Failure if no signal has landed, although some were to.
void check_landed(const SweepPlan& plan, const SweepResult& result) {
  const auto lost = [](const CellRow& row) { return row.lost != 0; };  // a finding says so
  if (!result.without_signal.empty() || result.landed() != 0 || plan.groups.empty() ||
      std::ranges::any_of(result.cells, lost)) {
    return;
  }
  const auto is_left_out = [](const CellRow& row) { return !row.left_out.empty(); };
  if (result.cells.empty() || !std::ranges::all_of(result.cells, is_left_out))
    throw Failure(kHarnessFailed, "no signal landed");
  throw Failure(kSkipped, "skipped: nothing of what was asked for can be swept: " +
                              result.cells.front().left_out);
}

void print_part(const SweepPlan& plan, const SweepResult& result) {
  fmt::print("a part only: {} of {} groups of cells were swept to their end\n", result.groups,
             plan.groups.size());
  for (const std::string& cell : result.unfinished) fmt::print("under way: {}\n", cell);
}

constexpr std::size_t kStrips = 3;  // printed of a sweep; --json FILE has all boundaries

// Are there verdicts of this operation that may not be shown?
bool may_not_be(const OperationMap& map) {
  return std::ranges::any_of(map.cells, [](const CellMap& cell) {
    return std::ranges::any_of(cell.outcomes, [](const BoundaryOutcome& o) { return !o.allowed; });
  });
}

// Of --per-boundary: the first few sites as strips. Those with a finding come first.
void print_strips(const Session& session, const SweepResult& result) {
  std::vector<std::string> sites;
  for (const bool finding : {true, false}) {
    for (const OperationMap& map : result.maps) {
      if (map.form != "single" || may_not_be(map) != finding) continue;
      if (std::ranges::find(sites, map.site) == sites.end()) sites.push_back(map.site);
    }
  }
  if (sites.empty()) return;
  Listing listing(session.runner_path, session.description.modules);
  std::vector<OperationMap> shown;
  for (std::size_t i = 0; i < std::min(sites.size(), kStrips); i++) {
    std::ranges::copy_if(result.maps, std::back_inserter(shown),
                         [&](const OperationMap& map) { return map.site == sites[i]; });
  }
  fmt::print("{}", strips_text(strips_of(shown, &listing), colour_of_stdout()));
  if (sites.size() > kStrips) {
    fmt::print("... and {}; `sigsweep explain --strip --site NAME` draws one\n",
               counted(sites.size() - kStrips, "more site"));
  }
}

// One ISA's part of it: as expected?
bool sweep_isa(const Session& session, const SweepPlan& plan, ResultsWriter* writer) {
  if (session.options.per_boundary) write_subject(session, writer);
  check_canary(session, plan);
  SweepResult result = sweep(session, plan, writer);
  // A cut-off sweep has shown nothing of the rest.
  if (result.stopped || !result.cut_short.empty()) print_part(plan, result);
  if (session.description.adapter && result.harness_problem.empty())
    fmt::print("{}", adapter_page(session, result));
  print_verdicts(result);
  fmt::print(
      "{} cells, {} trials, {} signals landed, {} unreached, {}, {:.1f} s, {:.0f} trials/s\n",
      result.cells.size(), result.trials(), result.landed(), result.unreached(),
      mismatches_text(result), result.seconds,
      static_cast<double>(result.trials()) / std::max(result.seconds, 1e-9));
  if (session.options.inject == "user") {
    fmt::print("{} signals landed by a jump, {} by a trap, where no jump can stand\n",
               result.jumped(), result.landed() - result.jumped());
  }
  if (session.options.verbose) fmt::print("{}", stacks_line(result));
  print_strips(session, result);
  report_findings(session, &result, writer);
  if (!result.harness_problem.empty()) throw Failure(kHarnessFailed, result.harness_problem);
  if (result.stopped) throw Failure(kStopped, "stopped; all lines written so far are complete");
  check_landed(plan, result);
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

int run_sweep(const Options& options, ReportBuilder* report) {
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
  ResultsWriter writer(file, report);
  writer.write(work.run);
  const int status =
      write_to_end(&writer, [&] { return sweep_all(sessions, work.plans, &writer); });
  if (!file.empty()) fmt::print("results: {}\n", file);
  return status;
}

}  // namespace

int sweep_command(const Options& options) {
  return with_reports(options, "sweep",
                      [&](ReportBuilder* report) { return run_sweep(options, report); });
}

}  // namespace sigsweep
