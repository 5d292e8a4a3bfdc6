// One sweep over everything that the claims speak of; then each claim is held against its cells.
#include "stress/host/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "stress/host/sweep.h"
#include "stress/report/progress.h"

namespace sigsweep {
namespace {

enum class Kind { CONTRACTS, ALLOWED, REJECTED, LEGAL, PREDICTED, HAZARD };

struct Claim {
  unsigned id;
  Kind kind;
  std::string protocols, statement, reason;
};

const Claim kClaims[] = {
#define CLAIM(id, kind, protocols, statement, reason) \
  {id, Kind::kind, protocols, statement, reason},
#include "stress/onm/claims.def"
#undef CLAIM
};

// The call site at whose every boundary a child is left to throw for real.
constexpr const char* kThrowSite = "mcacheRefill_m";

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

class Prover {
 public:
  Prover(const Session& session, ResultsWriter* writer)
      : session_(session), writer_(writer), assumed_(session.assumptions()) {}

  int run();

 private:
  bool selected(const Claim& claim) const;
  SweepPlan plan() const;
  ClaimRow check(const Claim& claim);
  void contracts(const Claim& claim, ClaimRow* row);
  void cells(const Claim& claim, ClaimRow* row);
  void throws(ClaimRow* row);
  void hazards(const Claim& claim, ClaimRow* row);
  void refute(const CellRow& cell, const std::string& why, ClaimRow* row);
  const Example* example_of(const CellRow& cell, bool unexpected) const;
  void print(const Claim& claim, const ClaimRow& row) const;
  std::string folder() const { return session_.options.out + "/counterexamples"; }
  static bool speaks_of(const Claim& claim, const CellRow& cell) {
    const auto protocols = words(claim.protocols);
    const bool by_handler = (claim.kind == Kind::LEGAL) == (cell.handler == "none");
    return by_handler && std::ranges::find(protocols, cell.protocol) != protocols.end();
  }

  const Session& session_;
  ResultsWriter* writer_;
  std::map<std::string, std::string> assumed_;
  SweepResult result_;
};

bool Prover::selected(const Claim& claim) const {
  const auto& wanted = session_.options.claims;
  return wanted.empty() || std::ranges::find(wanted, std::to_string(claim.id)) != wanted.end();
}

SweepPlan Prover::plan() const {
  std::set<std::string> wanted;
  for (const Claim& claim : kClaims) {
    if (!selected(claim)) continue;
    for (const std::string& protocol : words(claim.protocols)) wanted.insert(protocol);
  }
  std::vector<std::string> protocols;
  for (const std::string& p : session_.protocols()) {
    if (wanted.contains(p)) protocols.push_back(p);
  }
  auto handlers = session_.handlers();
  if (std::ranges::find(handlers, "none") == handlers.end())
    handlers.insert(handlers.begin(), "none");
  return SweepPlan{
      protocols, session_.sites(), handlers, session_.options.inject, session_.options.seed,
      assumed_};
}

// The first example of a cell; where there is none, the cell's runner died of it.
const Example* Prover::example_of(const CellRow& cell, bool unexpected) const {
  for (const Example& e : result_.examples) {
    if (e.protocol == cell.protocol && e.site == cell.site && e.handler == cell.handler &&
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

void Prover::contracts(const Claim& claim, ClaimRow* row) {
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
  const auto protocols = words(claim.protocols);
  for (const BaselineProblem& p : result_.without_signal) {
    if (std::ranges::find(protocols, p.protocol) == protocols.end()) continue;
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

void Prover::cells(const Claim& claim, ClaimRow* row) {
  for (const CellRow& cell : result_.cells) {
    if (!speaks_of(claim, cell)) continue;
    row->trials += cell.trials;
    row->landed += cell.landed;
    if (cell.expected) continue;
    std::string verdicts;
    for (const auto& [verdict, n] : cell.verdicts) verdicts += fmt::format(" {} {}", n, verdict);
    refute(
        cell,
        fmt::format("{} {} with handler {}:{}{}", cell.protocol, cell.site, cell.handler, verdicts,
                    cell.predicted_mismatches == 0
                        ? ""
                        : fmt::format("; {} against the prediction", cell.predicted_mismatches)),
        row);
  }
}

void Prover::throws(ClaimRow* row) {
  std::uint64_t count = 0;
  Record command("throws");
  command.add("protocol", "reject").add("site", kThrowSite).add("handler", kThrowSite);
  command.add("seed", session_.options.seed);
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
        count, kThrowSite);
  }
}

// Every site that passes anything in slots must show a clobbering by some handler.
void Prover::hazards(const Claim& claim, ClaimRow* row) {
  const auto protocols = words(claim.protocols);
  for (const auto& site : session_.description.sites) {
    if (site.in == "-" && site.out == "-") continue;
    bool swept = false, spoiled = false;
    for (const CellRow& cell : result_.cells) {
      if (cell.site != site.name || !speaks_of(claim, cell)) continue;
      swept = true;
      row->trials += cell.trials;
      row->landed += cell.landed;
      spoiled = spoiled || cell.verdicts.contains("arg-clobbered") ||
                cell.verdicts.contains("result-clobbered");
    }
    if (!swept || spoiled) continue;
    row->holds = false;
    if (row->detail.empty()) row->detail = fmt::format("{} was spoiled by no handler", site.name);
  }
}

ClaimRow Prover::check(const Claim& claim) {
  const auto start = std::chrono::steady_clock::now();
  ClaimRow row;
  row.id = claim.id;
  row.statement = claim.statement;
  row.holds = true;
  if (claim.kind == Kind::CONTRACTS) {
    contracts(claim, &row);
  } else if (claim.kind == Kind::HAZARD) {
    hazards(claim, &row);
  } else {
    cells(claim, &row);
  }
  if (claim.kind == Kind::REJECTED) throws(&row);
  if (row.trials == 0) {
    row.holds = false;
    row.detail = "nothing was tried";
  } else if (claim.kind != Kind::CONTRACTS && row.landed == 0) {
    row.holds = false;
    row.detail = "no signal landed";
  }
  row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return row;
}

void Prover::print(const Claim& claim, const ClaimRow& row) const {
  const Colours c = colours(1);
  fmt::print("claim {}  {}{}{}  {}\n", row.id, row.holds ? c.good : c.bad,
             row.holds ? "holds" : "FAILS", c.plain, row.statement);
  fmt::print("         {}because {}{}\n", c.dim, claim.reason, c.plain);
  for (const std::string& protocol : words(claim.protocols)) {
    const auto assumed = assumed_.find(protocol);
    if (assumed == assumed_.end()) continue;
    fmt::print("         under the assumption {}={}\n", protocol, assumed->second);
  }
  fmt::print("         {} trials, {} signals landed\n", row.trials, row.landed);
  if (!row.detail.empty()) fmt::print("         {}\n", row.detail);
}

int Prover::run() {
  result_ = sweep(session_, plan(), writer_);
  bool all = true;
  unsigned count = 0;
  if (!result_.stopped && !stop_requested) {
    for (const Claim& claim : kClaims) {
      if (!selected(claim)) continue;
      const ClaimRow row = check(claim);
      writer_->write(row);
      print(claim, row);
      all = all && row.holds;
      count++;
    }
  }
  for (const Example& e : result_.examples) {
    if (!e.expected) writer_->write(finding_row(e, session_.options.command_line));
  }
  fmt::print("\n{} cells, {} trials, {} signals landed in {:.1f} s ({:.0f} trials/s)\n",
             result_.cells.size(), result_.trials(), result_.landed(), result_.seconds,
             static_cast<double>(result_.trials()) / std::max(result_.seconds, 1e-9));
  fmt::print("results: {}\n", session_.options.json);
  if (!result_.harness_problem.empty()) throw Failure(kHarnessFailed, result_.harness_problem);
  if (result_.stopped || stop_requested)
    throw Failure(kStopped, "stopped; what is written is whole");
  fmt::print("{}\n", all ? fmt::format("all {} claims hold", count) : "not all claims hold");
  return all ? kAsExpected : kFinding;
}

}  // namespace

int prove_command(const Options& options) {
  for (const std::string& id : options.claims) {
    if (!std::ranges::any_of(kClaims, [&](const Claim& c) { return std::to_string(c.id) == id; })) {
      throw Failure(kUsage, fmt::format("--claim {}: no such claim; allowed: 0 to {}", id,
                                        std::size(kClaims) - 1));
    }
  }
  Options with_places = options;
  if (with_places.out.empty()) with_places.out = "results/prove";
  if (with_places.json.empty()) with_places.json = with_places.out + "/prove.jsonl";
  const Session session = open_session(with_places);
  print_provenance(options);
  ResultsWriter writer(with_places.json);
  writer.write(
      RunRow{version(), build_description(), options.command_line, {options.isa}, options.seed});
  return Prover(session, &writer).run();
}

}  // namespace sigsweep
