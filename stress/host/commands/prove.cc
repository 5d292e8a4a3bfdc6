// One sweep over everything that the claims speak of; then each claim is held against its cells.
#include "stress/host/commands/prove.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <regex>
#include <set>

#include "stress/host/claims.h"
#include "stress/host/commands/storm.h"
#include "stress/host/progress.h"
#include "stress/host/sweep.h"

namespace sigsweep {
namespace {

// Where an emulator makes each trial dear, pairs are drawn from the seed: so many, at least.
constexpr std::uint64_t kDrawnPairs = 20000;

constexpr std::uint64_t kThrowsUnderLoad = 100;

// "a b|c" as a pattern for whole ways one behind the other, "a b c a b "; the last may break off
// where what was recorded did.
std::regex order_pattern(const std::string& ways, bool complete) {
  std::string whole, begun;
  for (std::size_t at = 0; at <= ways.size();) {
    const std::size_t end = std::min(ways.find('|', at), ways.size());
    std::string way, beginning, closing;
    for (const std::string& word : words_of(ways.substr(at, end - at))) {
      way.append(word).append(" ");
      beginning.append("(").append(word).append(" ");
      closing += ")?";
    }
    whole.append(whole.empty() ? "(" : "|(").append(way).append(")");
    begun.append(begun.empty() ? "" : "|").append(beginning).append(closing);
    at = end + 1;
  }
  return std::regex("(" + whole + ")*" + (complete ? "" : "(" + begun + ")"));
}

std::uint64_t cells_of_pairs(const SweepPlan& plan) {
  std::uint64_t cells = 0;
  for (const CellGroup& group : plan.groups) {
    if (group.form != "single") cells += group.handlers.size();
  }
  return std::max<std::uint64_t>(1, cells);
}

class Prover {
 public:
  Prover(const Session& session, const ClaimBook& book, ResultsWriter* writer)
      : session_(session), book_(book), writer_(writer), assumed_(session.assumptions()) {}

  int run();

 private:
  bool selected(const ClaimSpec& claim) const;
  SweepPlan plan() const;
  ClaimRow check(const ClaimSpec& claim);
  void contracts(const ClaimSpec& claim, ClaimRow* row);
  void cells(const ClaimSpec& claim, ClaimRow* row);
  void throws(const ClaimSpec& claim, ClaimRow* row);
  void hazards(const ClaimSpec& claim, ClaimRow* row);
  void refused(const ClaimSpec& claim, ClaimRow* row);
  void ordered(const ClaimSpec& claim, ClaimRow* row);
  void storm(const ClaimSpec& claim, ClaimRow* row);
  void check_order(Record command, std::set<std::string>* disagreeing, ClaimRow* row);
  void refute(const CellRow& cell, const std::string& why, ClaimRow* row);
  const Example* example_of(const CellRow& cell, bool unexpected) const;
  void state(const ClaimSpec& claim, ClaimRow* row) const;
  void add_pairs(const std::string& protocol, const std::string& form, SweepPlan* plan) const;
  void add_delivered(const std::string& protocol, const std::vector<std::string>& handlers,
                     SweepPlan* plan) const;
  std::string one_site() const;
  std::string pairs_phrase(const ClaimSpec& claim, const ClaimRow& row) const;
  void print(const ClaimSpec& claim, const ClaimRow& row) const;
  void print_sources() const;
  void check_harness() const;
  void print_floor() const;
  // Are the pairs too dear for all of them? --depth 2 asks for them by name.
  bool draws_pairs() const {
    return emulator_of(session_.options.isa) != nullptr && session_.options.depth != 2;
  }
  std::string folder() const { return session_.options.out + "/counterexamples"; }
  static bool speaks_of(const ClaimSpec& claim, const CellRow& cell) {
    const bool by_handler = (claim.kind == ClaimKind::legal) == (cell.handler == "none");
    return (by_handler || claim.kind == ClaimKind::refused) &&
           has_word(claim.protocols, cell.protocol) && has_word(claim.forms, cell.form);
  }
  static void count(const CellRow& cell, ClaimRow* row) {
    row->cells++;
    if (cell.form != "single") row->pairs += cell.trials;
    row->trials += cell.trials;
    row->landed += cell.landed;
  }

  const Session& session_;
  const ClaimBook& book_;
  ResultsWriter* writer_;
  std::map<std::string, Verdict> assumed_;
  SweepResult result_;
};

bool Prover::selected(const ClaimSpec& claim) const {
  const auto& wanted = session_.options.claims;
  if (!claim.speaks_of_isa(session_.options.isa)) return false;
  return wanted.empty() || std::ranges::find(wanted, std::to_string(claim.id)) != wanted.end();
}

std::string Prover::one_site() const {
  const auto sites = session_.sites();
  return has_word(sites, book_.site) ? book_.site : sites.front();
}

// Where signals meet, one handler stands for all that write the same slots. --depth 1 leaves the
// pairs out, but for those of one site where a second signal lands in the first one's handler: so a
// stack that has no room for both is seen.
void Prover::add_pairs(const std::string& protocol, const std::string& form,
                       SweepPlan* plan) const {
  const Options& o = session_.options;
  const bool all = o.handlers == std::vector<std::string>{"all"};
  const auto handlers = all ? distinct_handlers(session_, protocol) : session_.handlers();
  if (o.depth != 1) {
    add_cells(protocol, session_.sites(), {form}, handlers, plan);
  } else if (form == "nested") {
    add_cells(protocol, {one_site()}, {form}, handlers, plan);
  }
}

// Once more with signals that the kernel delivers, where `direct` is all that was asked for: direct
// chooses the handler's stack itself. A timer's at one site: each is waited for.
void Prover::add_delivered(const std::string& protocol, const std::vector<std::string>& handlers,
                           SweepPlan* plan) const {
  if (plan->inject != "direct") return;
  for (const std::string& site : session_.sites()) {
    plan->groups.push_back(CellGroup{protocol, site, "single", handlers, "kill"});
  }
  plan->groups.push_back(CellGroup{protocol, one_site(), "single", handlers, "itimer"});
}

// The cells that the claims speak of, each once. At depth 1 every handler, and none. --handler is
// obeyed.
SweepPlan Prover::plan() const {
  const Options& o = session_.options;
  auto handlers = session_.handlers();
  if (std::ranges::find(handlers, "none") == handlers.end())
    handlers.insert(handlers.begin(), "none");
  SweepPlan plan;
  plan.inject = o.inject;
  plan.contain = o.contain;
  plan.no_red_zone = o.no_red_zone;
  plan.seed = o.seed;
  plan.assumed = assumed_;
  for (const std::string& protocol : session_.protocols()) {
    std::set<std::string> forms;
    for (const ClaimSpec& claim : book_.claims) {
      if (!selected(claim) || !has_word(claim.protocols, protocol)) continue;
      forms.insert(claim.forms.begin(), claim.forms.end());
    }
    for (const std::string& form : forms) {
      if (form == "single") {
        add_cells(protocol, session_.sites(), {form}, handlers, &plan);
        add_delivered(protocol, handlers, &plan);
      } else {
        add_pairs(protocol, form, &plan);
      }
    }
  }
  if (draws_pairs()) plan.sample = (kDrawnPairs + cells_of_pairs(plan) - 1) / cells_of_pairs(plan);
  return plan;
}

// The first example of a cell; where there is none, the cell's runner died of it.
const Example* Prover::example_of(const CellRow& cell, bool unexpected) const {
  for (const Example& e : result_.examples) {
    if (e.protocol == cell.protocol && e.site() == cell.site && e.handler() == cell.handler &&
        (!unexpected || !e.expected)) {
      return &e;
    }
  }
  return nullptr;
}

void Prover::refute(const CellRow& cell, const std::string& why, ClaimRow* row) {
  row->holds = false;
  if (!row->detail.empty()) return;  // the first is shown
  row->detail = why;
  if (const Example* example = example_of(cell, true)) {
    row->counterexample = print_schedule(schedule_of(*example, session_.options.command_line));
    fmt::print("{}\n", render_finding(session_, *example, folder()));
  }
}

// ---- the kinds

void Prover::contracts(const ClaimSpec& claim, ClaimRow* row) {
  const auto take = [&](const Record& r) {
    row->trials++;
    if (r.text("problem").empty()) return;
    row->holds = false;
    if (row->detail.empty()) row->detail = r.text("name") + ": " + r.text("problem");
  };
  const Outcome outcome = session_.runner->command(Record("contracts"), take);
  if (outcome.kind == Outcome::died) {
    row->holds = false;
    row->detail = "a contract check killed the runner: " + outcome.message;
  }
  for (const BaselineProblem& p : result_.without_signal) {
    if (!has_word(claim.protocols, p.protocol)) continue;
    row->holds = false;
    if (row->detail.empty()) {
      row->detail =
          fmt::format("{} {} without a signal: {}: {}", p.protocol, p.site, p.verdict, p.detail);
    }
  }
  std::set<std::pair<std::string, std::string>> operations;
  for (const CellRow& cell : result_.cells) operations.emplace(cell.protocol, cell.site);
  row->trials += operations.size();
}

void Prover::cells(const ClaimSpec& claim, ClaimRow* row) {
  bool spoiled = false;  // a prediction of what never happens is none
  for (const CellRow& cell : result_.cells) {
    if (!speaks_of(claim, cell)) continue;
    count(cell, row);
    if (claim.kind == ClaimKind::predicted)
      spoiled = spoiled || cell.verdicts.size() > 1 || !cell.verdicts.contains("ok");
    if (cell.expected) continue;
    std::string verdicts;
    for (const auto& [verdict, n] : cell.verdicts) verdicts += fmt::format(" {} {}", n, verdict);
    refute(cell,
           fmt::format("{} {} {} with handler {}:{}{}", cell.protocol, cell.site, cell.form,
                       cell.handler, verdicts,
                       cell.predicted_mismatches == 0
                           ? ""
                           : fmt::format("; {} against the prediction", cell.predicted_mismatches)),
           row);
  }
  if (claim.kind == ClaimKind::predicted && !spoiled && row->holds && row->trials != 0) {
    row->holds = false;
    row->detail = "nothing was spoiled anywhere";
  }
}

void Prover::throws(const ClaimSpec& claim, ClaimRow* row) {
  std::uint64_t count = 0;
  Record command("throws");
  command.add("protocol", claim.protocols.front());
  command.add("site", book_.site).add("handler", book_.site);
  command.add("signal", "SIGPROF").add("seed", session_.options.seed);
  const Outcome outcome = session_.runner->command(command, [&](const Record& r) {
    count++;
    if (r.text("problem").empty() || !row->holds) return;
    row->holds = false;
    row->detail = fmt::format("a real throw at {}+{:#x}: {}; it printed:\n{}", r.text("symbol"),
                              r.number("offset"), r.text("problem"), r.text("output"));
  });
  if (outcome.kind != Outcome::done) {
    row->holds = false;
    if (row->detail.empty()) row->detail = "the real throws could not be tried: " + outcome.message;
  }
  row->trials += count;
  row->landed += count;
  if (row->detail.empty()) {
    row->detail = fmt::format(
        "and {} real throws in children, one at every boundary of {}: message, one traceback, exit "
        "status 2",
        count, book_.site);
  }
}

// Every site that passes anything in slots must show a clobbering by some handler.
void Prover::hazards(const ClaimSpec& claim, ClaimRow* row) {
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
    row->holds = false;
    if (row->detail.empty()) row->detail = fmt::format("{} was spoiled by no handler", site.name);
  }
}

// Each operation whose own call a stub refuses is refused at every boundary, and there must be
// some.
void Prover::refused(const ClaimSpec& claim, ClaimRow* row) {
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

// One trace held against the orders of the book, and the boundaries where the pair of words
// disagrees against what its changes say: each change of one alone makes them disagree, the next
// one agree again.
void Prover::check_order(Record command, std::set<std::string>* disagreeing, ClaimRow* row) {
  std::map<std::string, std::string> changed;
  const auto fail = [&](const std::string& why) {
    row->holds = false;
    if (row->detail.empty()) row->detail = command.encode() + ": " + why;
  };
  const bool of_handler = command.has("handler");
  bool disagree = of_handler;  // the kernel has changed SP
  bool complete = true;
  const Outcome outcome = session_.runner->command(command, [&](const Record& r) {
    if (r.word() == "way") complete = r.number("complete") != 0;
    if (r.word() != "step" || r.number("watches") == 0) return;
    if (of_handler && !complete) return;  // one that was stopped or went astray
    row->trials++;
    const std::string place = fmt::format("{}+{:#x}", r.text("symbol"), r.number("offset"));
    const bool seen = (r.number("marks") & book_.pair.mark) != 0;
    if (seen) disagreeing->insert(place);
    if (seen != disagree) {
      fail(fmt::format("at {} {} {} {}", place, r.text("phase"), book_.pair.text,
                       seen ? "disagree, though the stores do not say so"
                            : "agree, though the stores say otherwise"));
    }
    for (const std::string& word : words_of(r.text("changes"))) {
      if (has_word(book_.pair.words, word)) disagree = !disagree;
      changed[r.text("symbol")] += word + " ";
    }
  });
  if (outcome.kind != Outcome::done) fail(outcome.message);
  for (const auto& [symbol, sequence] : changed) {
    const auto order = book_.orders.find(symbol);
    const std::string ways = order == book_.orders.end() ? "" : order->second;
    if (!std::regex_match(sequence, order_pattern(ways, complete))) {
      fail(fmt::format("{} changed {}; allowed: {}", symbol, sequence, ways));
    }
  }
}

void Prover::ordered(const ClaimSpec& claim, ClaimRow* row) {
  std::set<std::string> disagreeing;
  for (const std::string& protocol : session_.protocols()) {
    if (!has_word(claim.protocols, protocol)) continue;
    for (const std::string& site : session_.sites()) {
      check_order(Record("order").add("protocol", protocol).add("site", site), &disagreeing, row);
    }
    for (const std::string& handler : session_.handlers()) {
      check_order(Record("order").add("protocol", protocol).add("handler", handler), &disagreeing,
                  row);
    }
  }
  if (row->holds) {
    row->detail = fmt::format("they disagree at {}", fmt::join(disagreeing, " "));
  }
}

// All sources, all mixes, every handler: 10 s unless --duration says otherwise.
void Prover::storm(const ClaimSpec& claim, ClaimRow* row) {
  StormPlan plan;
  plan.protocol = claim.protocols.front();
  plan.handlers = session_.handlers();
  std::erase(plan.handlers, "none");
  plan.seed = session_.options.seed;
  if (!session_.options.duration.empty()) {
    plan.seconds = parse_duration(session_.options.duration);
  }
  plan.throws = kThrowsUnderLoad;
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

ClaimRow Prover::check(const ClaimSpec& claim) {
  const auto start = std::chrono::steady_clock::now();
  ClaimRow row;
  row.id = claim.id;
  row.isa = session_.options.isa;
  row.holds = true;
  if (claim.kind == ClaimKind::contracts) {
    contracts(claim, &row);
  } else if (claim.kind == ClaimKind::hazard) {
    hazards(claim, &row);
  } else if (claim.kind == ClaimKind::ordered) {
    ordered(claim, &row);
  } else if (claim.kind == ClaimKind::storm) {
    storm(claim, &row);
  } else if (claim.kind == ClaimKind::refused) {
    refused(claim, &row);
  } else {
    cells(claim, &row);
  }
  if (claim.kind == ClaimKind::rejected) throws(claim, &row);
  if (claim.kind != ClaimKind::contracts && !result_.cut_short.empty()) {
    row.holds = false;
    if (row.detail.empty()) row.detail = result_.cut_short;
  }
  if (row.trials == 0) {
    row.holds = false;
    if (row.detail.empty()) row.detail = "nothing was tried";
  } else if (claim.kind != ClaimKind::contracts && claim.kind != ClaimKind::ordered &&
             row.landed == 0) {
    row.holds = false;
    row.detail = "no signal landed";
  }
  state(claim, &row);
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return row;
}

// Of two signals: how much was tried.
std::string Prover::pairs_phrase(const ClaimSpec& claim, const ClaimRow& row) const {
  const char* kind = has_word(claim.forms, "two") ? "pair" : "nested pair";
  if (session_.options.depth == 1)
    return fmt::format("{} nested pairs of {}", row.pairs, one_site());
  if (draws_pairs()) return fmt::format("{} {}s of them, drawn from the seed", row.pairs, kind);
  return fmt::format("every {} of them", kind);
}

// What is claimed, by the quantifiers that ran; and those that did not.
void Prover::state(const ClaimSpec& claim, ClaimRow* row) const {
  const Options& o = session_.options;
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
    if (row->pairs != 0) row->statement += ", and at " + pairs_phrase(claim, *row);
    if (o.depth == 1) {
      row->left_out.emplace_back("all other pairs of boundaries (--depth 1)");
    } else if (draws_pairs()) {
      row->left_out.emplace_back("all pairs that were not drawn (--depth 2 takes all)");
    }
  }
  if (restricted(o.protocols)) row->left_out.emplace_back("every other protocol");
  restrict("site", o.sites);
  restrict("handler", o.handlers);
}

void Prover::print(const ClaimSpec& claim, const ClaimRow& row) const {
  const Colours c = colours(1);
  fmt::print("claim {}  {}{}{}  {}\n", row.id, row.holds ? c.good : c.bad,
             row.holds ? "holds" : "FAILS", c.plain, row.statement);
  fmt::print("         {}because {}{}\n", c.dim, claim.reason, c.plain);
  for (const std::string& protocol : claim.protocols) {
    const auto assumed = assumed_.find(protocol);
    if (assumed == assumed_.end()) continue;
    fmt::print("         under the assumption {}={}\n", protocol, verdict_name(assumed->second));
  }
  if (claim.kind == ClaimKind::storm) {
    fmt::print("         {} calls, {} signals landed\n", row.trials, row.landed);
  } else if (claim.kind == ClaimKind::ordered) {
    fmt::print("         {} boundaries\n", row.trials);
  } else {
    fmt::print("         {} cells, {} pairs, {} trials, {} signals landed\n", row.cells, row.pairs,
               row.trials, row.landed);
  }
  if (!row.left_out.empty()) fmt::print("         left out: {}\n", fmt::join(row.left_out, "; "));
  if (!row.detail.empty()) fmt::print("         {}\n", row.detail);
  if (!claim.meaning.empty() && row.holds) fmt::print("         so: {}\n", claim.meaning);
}

// What the signals alone take on this machine, for the time to be held against: BM_inject_direct,
// the best of a few times.
void Prover::print_floor() const {
  constexpr std::uint64_t kRounds = 20000;
  double best = 0;
  for (unsigned i = 0; i < 5; i++) {
    const Outcome outcome = session_.runner->command(
        Record("bench").add("name", "BM_inject_direct").add("rounds", kRounds),
        [&](const Record& r) {
          const double ns = std::stod(r.text("ns")) / kRounds;
          if (best == 0 || ns < best) best = ns;
        });
    if (outcome.kind == Outcome::done) continue;
    fmt::print("what a signal costs here could not be measured: {}\n", outcome.message);
    return;
  }
  const SweepResult::Landed direct = result_.landed_by_source().at("direct");
  const double alone = static_cast<double>(direct.signals) * best * 1e-9;
  const double share = alone / std::max(direct.seconds, 1e-9);
  fmt::print(
      "a signal that lands and does nothing takes {:.2f} us here: {:.1f} s of a processor, "
      "{:.0f} % of the time that signals by direct took\n",
      best * 1e-3, alone, 100 * share);
}

// What each source landed, and what it took.
void Prover::print_sources() const {
  for (const auto& [source, landed] : result_.landed_by_source()) {
    fmt::print("by {}: {} signals landed, {:.1f} s of a processor\n", source, landed.signals,
               landed.seconds);
  }
}

// A harness that is wrong on this machine proves nothing.
void Prover::check_harness() const {
  const Outcome outcome = session_.runner->command(Record("selfcheck"), [](const Record&) {});
  if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
  if (outcome.kind != Outcome::done) {
    throw Failure(kHarnessFailed, "the harness does not work on this machine: " + outcome.message);
  }
}

int Prover::run() {
  check_harness();
  result_ = sweep(session_, plan(), writer_);
  bool all = true;
  unsigned count = 0;
  std::set<std::string> left_out;
  if (!result_.stopped && !stop_requested && result_.harness_problem.empty()) {
    for (const ClaimSpec& claim : book_.claims) {
      if (!selected(claim)) continue;
      if (claim.kind == ClaimKind::storm && storm_runner(session_).empty()) {
        fmt::print("claim {}  skipped: no storm is built for this runner ({})\n", claim.id,
                   session_.runner_path);
        continue;
      }
      const ClaimRow row = check(claim);
      if (stop_requested) break;  // it is not known to fail
      writer_->write(row);
      print(claim, row);
      all = all && row.holds;
      left_out.insert(row.left_out.begin(), row.left_out.end());
      count++;
    }
  }
  for (const Example& e : result_.examples) {
    if (!e.expected) writer_->write(finding_row(session_, e));
  }
  fmt::print(
      "\n{} cells, {} pairs, {} trials, {} signals landed, {} unreached in {:.1f} s ({:.0f} "
      "trials/s)\n",
      result_.cells.size(), result_.pairs(), result_.trials(), result_.landed(),
      result_.unreached(), result_.seconds,
      static_cast<double>(result_.trials()) / std::max(result_.seconds, 1e-9));
  if (!result_.harness_problem.empty()) throw Failure(kHarnessFailed, result_.harness_problem);
  if (result_.stopped || stop_requested)
    throw Failure(kStopped, "stopped; what is written is whole");
  print_sources();
  if (session_.options.verbose) fmt::print("{}", stacks_line(result_));
  if (result_.landed_by_source().contains("direct")) print_floor();
  if (!left_out.empty()) fmt::print("left out: {}\n", fmt::join(left_out, "; "));
  fmt::print("{}{}\n", all ? fmt::format("all {} claims hold", count) : "not all claims hold",
             all && !left_out.empty() ? ", as far as they were tried" : "");
  return all ? kAsExpected : kFinding;
}

// The claims of each session's subject, which has some; --claim names some of them.
std::vector<ClaimBook> books_of(const std::vector<Session>& sessions, const Options& options) {
  std::vector<ClaimBook> books;
  for (const Session& session : sessions) {
    books.push_back(read_claims(session));
    const std::vector<ClaimSpec>& claims = books.back().claims;
    if (claims.empty()) {
      const std::string flag = options.subject == kSubjects[0] ? "--runner " + options.runner
                                                               : "--subject " + options.subject;
      throw Failure(kUsage,
                    fmt::format("prove {}: the claims are about subject {}; `sigsweep sweep "
                                "{}` holds every verdict against its protocol's",
                                flag, kSubjects[0], flag));
    }
    std::vector<std::string> known;
    for (const ClaimSpec& claim : claims) known.push_back(std::to_string(claim.id));
    for (const std::string& id : options.claims) {
      if (has_word(known, id)) continue;
      throw Failure(kUsage, fmt::format("--claim {}: no such claim; allowed: {}", id,
                                        fmt::join(known, ", ")));
    }
  }
  return books;
}

// A claim that is asked for by its number must speak of an ISA that is there.
void refuse_foreign_claims(const Options& options, const ClaimBook& book,
                           const std::vector<std::string>& isas) {
  for (const ClaimSpec& claim : book.claims) {
    const auto speaks = [&](const std::string& isa) { return claim.speaks_of_isa(isa); };
    if (!has_word(options.claims, std::to_string(claim.id)) || std::ranges::any_of(isas, speaks)) {
      continue;
    }
    throw Failure(kSkipped,
                  fmt::format("skipped: claim {} speaks of isa {} only", claim.id, claim.isa));
  }
}

}  // namespace

int prove_command(const Options& options) {
  Options with_places = options;
  if (with_places.out.empty()) with_places.out = "results/prove";
  if (with_places.json.empty()) with_places.json = with_places.out + "/prove.jsonl";
  std::vector<std::string> left_out;
  const std::vector<Session> sessions = open_sessions(with_places, &left_out);
  const std::vector<ClaimBook> books = books_of(sessions, options);
  print_provenance(options);
  refuse_foreign_claims(options, books.front(), names_of(sessions));
  for (const Session& session : sessions) require_source(session, options.inject);
  ResultsWriter writer(with_places.json);
  writer.write(RunRow{version(), build_description(), options.command_line, names_of(sessions),
                      left_out, options.seed, "", ""});
  const int status = write_to_end(&writer, [&] {
    bool all = true;
    for (std::size_t i = 0; i < sessions.size(); i++) {
      if (sessions.size() > 1) fmt::print("isa {}\n", sessions[i].options.isa);
      all = Prover(sessions[i], books[i], &writer).run() == kAsExpected && all;
      if (sessions.size() > 1) fmt::print("\n");
    }
    return all ? kAsExpected : kFinding;
  });
  fmt::print("results: {}\n", with_places.json);
  return status;
}

}  // namespace sigsweep
