#include "stress/host/commands/prove_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "stress/host/canary.h"
#include "stress/host/commands/storm.h"
#include "stress/host/explanation.h"
#include "stress/host/finding.h"
#include "stress/host/order_check.h"
#include "stress/host/report.h"

namespace sigsweep {
namespace {

constexpr std::uint64_t kThrowsUnderLoad = 100;

// The first reason is shown.
void fail(ClaimRow* row, const std::string& why) {
  row->holds = false;
  if (row->detail.empty()) row->detail = why;
}

// Which handlers a kind of claim is about: one of the harness's own, those that call, or, for
// refused, all but observe.
bool speaks_of_handler(ClaimKind kind, const std::string& handler) {
  if (kind == ClaimKind::unwound || handler == kObserveName) {
    return kind == ClaimKind::unwound && handler == kObserveName;
  }
  return kind == ClaimKind::refused || (kind == ClaimKind::legal) == (handler == kNoHandlerName);
}

bool speaks_of(const ClaimSpec& claim, const CellRow& cell) {
  return speaks_of_handler(claim.kind, cell.handler) && has_word(claim.protocols, cell.protocol) &&
         has_word(claim.forms, cell.form);
}

void count(const CellRow& cell, ClaimRow* row) {
  row->cells++;
  if (cell.form != "single") row->pairs += cell.trials;
  row->trials += cell.trials;
  row->landed += cell.landed;
}

// Of two signals: how much was tried.
std::string pairs_phrase(const ClaimPlan& plan, const ClaimSpec& claim, const ClaimRow& row) {
  const char* kind = has_word(claim.forms, "two") ? "pair" : "nested pair";
  if (plan.session().options.depth == 1)
    return fmt::format("{} nested pairs of {}", row.pairs, plan.one_site());
  if (plan.draws_pairs())
    return fmt::format("{} {}s of them, drawn from the seed", row.pairs, kind);
  return fmt::format("every {} of them", kind);
}

// What is claimed, by the quantifiers that ran; and those that did not.
void state(const ClaimPlan& plan, const ClaimSpec& claim, ClaimRow* row) {
  const Options& o = plan.session().options;
  row->statement = claim.statement;
  const bool sweeps = claim.kind != ClaimKind::contracts && claim.kind != ClaimKind::storm;
  const auto restricted = [](const std::vector<std::string>& given) {
    return given != std::vector<std::string>{"all"};
  };
  const auto restrict = [&](const char* what, const std::vector<std::string>& given) {
    if (!sweeps || !restricted(given)) return;
    row->statement += fmt::format("; tried with {} {} alone", what, fmt::join(given, ", "));
    row->left_out.push_back(fmt::format("every other {}", what));
  };
  if (claim.forms.size() > 1) {
    if (row->pairs != 0) row->statement += ", and at " + pairs_phrase(plan, claim, *row);
    if (o.depth == 1) {
      row->left_out.emplace_back("all other pairs of boundaries (--depth 1)");
    } else if (plan.draws_pairs()) {
      row->left_out.emplace_back("all pairs that were not drawn (--depth 2 takes all)");
    }
  }
  if (restricted(o.protocols)) row->left_out.emplace_back("every other protocol");
  restrict("site", o.sites);
  restrict("handler", o.handlers);
}

}  // namespace

// ---- the kinds

struct ClaimChecker::Way {
  ClaimKind kind;
  void (ClaimChecker::*check)(const ClaimSpec& claim, ClaimRow* row);
};
const ClaimChecker::Way ClaimChecker::kWays[] = {
    {ClaimKind::contracts, &ClaimChecker::contracts}, {ClaimKind::allowed, &ClaimChecker::cells},
    {ClaimKind::rejected, &ClaimChecker::rejected},   {ClaimKind::legal, &ClaimChecker::cells},
    {ClaimKind::predicted, &ClaimChecker::cells},     {ClaimKind::hazard, &ClaimChecker::hazards},
    {ClaimKind::storm, &ClaimChecker::storm},         {ClaimKind::refused, &ClaimChecker::refused},
    {ClaimKind::unwound, &ClaimChecker::cells},       {ClaimKind::ordered, &ClaimChecker::ordered},
};

ClaimRow ClaimChecker::check(const ClaimSpec& claim) {
  const auto start = std::chrono::steady_clock::now();
  ClaimRow row;
  row.id = claim.id;
  row.isa = session_.options.isa;
  row.only_isa = claim.isa;
  row.holds = true;
  static_assert(std::size(kWays) == std::size(kClaimKindNames));
  const Way& way = *std::ranges::find(kWays, claim.kind, &Way::kind);
  (this->*way.check)(claim, &row);
  check_tried(claim, &row);
  state(plan_, claim, &row);
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return row;
}

// A claim that was not tried does not hold.
void ClaimChecker::check_tried(const ClaimSpec& claim, ClaimRow* row) const {
  const bool signals = claim.kind != ClaimKind::contracts && claim.kind != ClaimKind::ordered;
  if (claim.kind != ClaimKind::contracts && !result_.cut_short.empty()) {
    fail(row, result_.cut_short);
  }
  if (row->trials == 0) {
    fail(row, "nothing was tried");
  } else if (signals && row->landed == 0) {
    row->holds = false;
    row->detail = "no signal landed";
  }
}

// The first unexpected example of a cell; where there is none, the cell's runner died of it.
const ReportedTrial* ClaimChecker::example_of(const CellRow& cell) const {
  for (const ReportedTrial& e : result_.examples) {
    if (!e.expected && e.protocol == cell.protocol && e.site() == cell.site &&
        e.handler() == cell.handler) {
      return &e;
    }
  }
  return nullptr;
}

// Of several such cells the first is shown.
void ClaimChecker::refute(const CellRow& cell, ClaimRow* row) {
  row->holds = false;
  if (!row->detail.empty()) return;
  row->detail =
      fmt::format("{} {} {} with handler {}:", cell.protocol, cell.site, cell.form, cell.handler);
  for (const auto& [verdict, n] : cell.verdicts) row->detail += fmt::format(" {} {}", n, verdict);
  if (cell.predicted_mismatches != 0) {
    row->detail += fmt::format("; {} against the prediction", cell.predicted_mismatches);
  }
  const ReportedTrial* example = example_of(cell);
  if (example == nullptr) return;
  row->counterexample = print_schedule(schedule_of(*example, session_.options.command_line));
  row->finding = finding_id(*example);
  ReportedTrial explained = *example;
  add_why(session_, &explained);
  const std::string page =
      render_finding(session_, explained, session_.options.out + "/counterexamples");
  fmt::print("{}\n", page);
  if (writer_->report() != nullptr) writer_->report()->page(row->finding, page);
}

void ClaimChecker::contracts(const ClaimSpec& claim, ClaimRow* row) {
  std::string under_way;
  const auto take = [&](const Record& r) {
    under_way = r.text("name");
    if (r.word() == "checks") return;
    row->trials++;
    if (r.text("problem").empty()) return;
    if (row->contract.empty()) row->contract = under_way;
    fail(row, under_way + ": " + r.text("problem"));
  };
  const Outcome outcome = session_.runner->command(Record("contracts"), take);
  if (outcome.kind == Outcome::died) {
    if (row->contract.empty()) row->contract = under_way;
    fail(row, fmt::format("{}: the check ended the runner, so those after it were not made: {}",
                          under_way, outcome.message));
  }
  for (const BaselineProblem& p : result_.without_signal) {
    if (!has_word(claim.protocols, p.protocol)) continue;
    fail(row,
         fmt::format("{} {} without a signal: {}: {}", p.protocol, p.site, p.verdict, p.detail));
  }
  std::set<std::pair<std::string, std::string>> operations;
  for (const CellRow& cell : result_.cells) operations.emplace(cell.protocol, cell.site);
  row->trials += operations.size();
}

void ClaimChecker::cells(const ClaimSpec& claim, ClaimRow* row) {
  bool spoiled = false;  // a prediction must name one boundary at least
  for (const CellRow& cell : result_.cells) {
    if (!speaks_of(claim, cell)) continue;
    count(cell, row);
    if (claim.kind == ClaimKind::predicted)
      spoiled = spoiled || cell.verdicts.size() > 1 || !cell.verdicts.contains("ok");
    if (!cell.expected) refute(cell, row);
  }
  if (claim.kind == ClaimKind::predicted && !spoiled && row->holds && row->trials != 0) {
    fail(row, "nothing was spoiled anywhere");
  }
}

void ClaimChecker::throws(const ClaimSpec& claim, ClaimRow* row) {
  std::uint64_t count = 0;
  Record command("throws");
  command.add("protocol", claim.protocols.front());
  command.add("site", book_.site).add("handler", book_.site);
  command.add("signal", "SIGPROF").add("seed", session_.options.seed);
  const Outcome outcome = session_.runner->command(command, [&](const Record& r) {
    count++;
    if (r.text("problem").empty()) return;
    fail(row, fmt::format("a real throw at {}+{:#x}: {}; it printed:\n{}", r.text("symbol"),
                          r.number("offset"), r.text("problem"), r.text("output")));
  });
  if (outcome.kind != Outcome::done) {
    fail(row, "the real throws could not be tried: " + outcome.message);
  }
  row->trials += count;
  row->landed += count;
  if (row->detail.empty()) {
    row->detail = fmt::format(
        "{} of these trials are real throws in children, one at every boundary of {}: message, one "
        "traceback, exit status 2",
        count, book_.site);
  }
}

// Every site that passes anything in slots must show a clobbering by some handler.
void ClaimChecker::hazards(const ClaimSpec& claim, ClaimRow* row) {
  for (const auto& site : session_.description.sites) {
    if (site.in == "-" && site.out == "-") continue;
    bool swept = false, spoiled = false;
    for (const CellRow& cell : result_.cells) {
      if (cell.site != site.name || !speaks_of(claim, cell)) continue;
      swept = true;
      count(cell, row);
      spoiled = spoiled || cell.verdicts.contains("arg-clobbered") ||
                cell.verdicts.contains("result-clobbered");
    }
    if (!swept || spoiled) continue;
    fail(row, fmt::format("no handler spoiled {}", site.name));
  }
}

// Each operation whose own call a stub refuses is refused at every boundary, and there must be
// some.
void ClaimChecker::refused(const ClaimSpec& claim, ClaimRow* row) {
  cells(claim, row);
  std::uint64_t refused = 0, trials = 0, others = 0;
  std::set<std::string> sites;
  for (const CellRow& cell : result_.cells) {
    if (!speaks_of(claim, cell) || cell.handler != "none") continue;
    if (session_.without_signal(cell.protocol, cell.site) == Verdict::ok) {
      others += cell.trials;
      continue;
    }
    sites.insert(cell.site);
    trials += cell.trials;
    const auto found = cell.verdicts.find("false-reject");
    if (found != cell.verdicts.end()) refused += found->second;
  }
  if (refused == 0 || refused != trials) row->holds = false;
  if (!row->detail.empty()) return;
  row->detail = fmt::format(
      "{} of {} trials of the {} sites that call from {} were refused; of all {} others, none",
      refused, trials, sites.size(), claim.calls_from, others);
}

void ClaimChecker::rejected(const ClaimSpec& claim, ClaimRow* row) {
  cells(claim, row);
  throws(claim, row);
}

void ClaimChecker::ordered(const ClaimSpec& claim, ClaimRow* row) {
  OrderCheck orders(session_, book_);
  for (const std::string& protocol : session_.protocols()) {
    if (!has_word(claim.protocols, protocol)) continue;
    for (const std::string& site : session_.sites()) orders.check_site(protocol, site);
    for (const std::string& handler : session_.handlers()) orders.check_handler(protocol, handler);
  }
  row->trials = orders.boundaries();
  if (!orders.problem().empty()) return fail(row, orders.problem());
  row->detail = fmt::format("they disagree at {}", fmt::join(orders.disagreeing(), " "));
}

// All sources, all mixes, every handler: 10 s unless --duration says otherwise.
void ClaimChecker::storm(const ClaimSpec& claim, ClaimRow* row) {
  StormPlan plan;
  plan.protocol = claim.protocols.front();
  plan.handlers = session_.handlers();
  std::erase_if(plan.handlers, [](const std::string& name) { return !calls_subject(name); });
  plan.seed = session_.options.seed;
  if (!session_.options.duration.empty()) {
    plan.seconds = parse_duration(session_.options.duration);
  }
  plan.throws = kThrowsUnderLoad;
  check_canary(session_, plan);
  const StormResult result = run_storm(session_, plan);
  writer_->write(result.row);
  for (const SourceRow& source : result.row.sources) row->landed += source.delivered;
  row->trials = result.row.calls + result.row.legal;
  row->holds = result.finding.empty() && result.harness_problem.empty() && !result.stopped;
  row->detail = !result.finding.empty() ? result.finding : result.harness_problem;
  if (!row->holds) return;
  row->detail = fmt::format(
      "{} calls from {}: {} rejected, {} ran; {} legal ones: {} rejected; {} Gs on {} Ms in "
      "{:.0f} s; and {} real throws in children meanwhile",
      result.row.calls, claim.calls_from, result.row.rejected, result.row.missed_reject,
      result.row.legal, result.row.false_reject, result.made, result.row.ms, result.row.seconds,
      result.throws);
}

}  // namespace sigsweep
