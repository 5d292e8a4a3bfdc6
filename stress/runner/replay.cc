// replay bytes=N [why=1], then the schedule's text: runs it, and accounts for its verdict.
// resolve bytes=N, then the schedule's text: the boundary of each injection in this build.
#include <memory>

#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"
#include "stress/runner/account.h"
#include "stress/runner/command.h"
#include "stress/runner/why.h"
#include "stress/trap/sources.h"

namespace sigsweep {
namespace {

void refuse(const ParseError& error) {
  send(Record("refused")
           .add("line", error.line)
           .add("column", error.column)
           .add("message", error.message));
}

// The schedule that follows the command; nullopt if it is refused, after saying so.
std::optional<Schedule> read_schedule(const Runner& runner, const Record& command) {
  std::string text(static_cast<std::size_t>(command.number("bytes")), '\0');
  receive_bytes(&text);
  auto parsed = parse_schedule(text, "", catalog_of(runner.subject));
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    refuse(*error);
    return std::nullopt;
  }
  return std::get<Schedule>(std::move(parsed));
}

// Operation `index` as a plan, and the state that it leaves without a signal. `refused`: it is the
// schedule's fault, and the answer has been sent.
std::string resolve_operation(Runner& runner, const Schedule& schedule, unsigned index,
                              Resolved* resolved, bool* refused) {
  unsigned protocol = 0, site = 0;
  std::string trouble = find_protocol(runner, schedule.protocol, &protocol);
  if (trouble.empty()) trouble = find_site(runner, schedule.operations[index].site, &site);
  if (!trouble.empty()) return trouble;
  runner.engine.baseline(protocol, site, schedule.seed);
  const Unresolved problem = resolve(runner.subject, schedule, index, &runner.traces, resolved);
  if (problem.harness) return problem.message;
  *refused = !problem.message.empty();
  if (*refused) refuse(ParseError{"", problem.place.line, problem.place.column, problem.message});
  return {};
}

std::string prepare_sources(const Operation& op) {
  for (const Injection& injection : op.injections) {
    if (std::string trouble = trap::prepare(injection.by); !trouble.empty()) return trouble;
  }
  return {};
}

// Runs one operation. True: it was ok, so there is nothing to tell; else its account is sent.
// `last`: the last one of the schedule; its account is sent in any case.
// `why`: the reasons of a bad verdict, too.
bool replay_operation(Runner& runner, const Resolved& resolved, unsigned index, bool last,
                      bool why) {
  const auto& [seen, judgement, at, slots, child] = runner.engine.run(resolved.plan);
  if (judgement.verdict == Verdict::ok && seen.landed == seen.requested && !last) return true;
  const unsigned blame = blamed_injection(runner.engine, resolved.plan, judgement, seen);
  const TrialResult again = runner.engine.run(resolved.plan);
  Account account =
      account_of(runner.subject, resolved.plan, resolved.boundaries, again, again.judgement);
  account.kind = AccountKind::replayed;
  account.operation = index;
  account.blame = blame;
  account.notes = resolved.notes;
  if (why && again.judgement.verdict != Verdict::ok) {
    const Judgement judged = again.judgement;
    const auto as_seen = std::make_unique<Observation>(again.seen);
    explain(runner, resolved.plan, judged, *as_seen, &account);
  }
  send(encode(account));
  return false;
}

void send_boundaries(const Runner& runner, const Resolved& resolved, unsigned operation) {
  for (unsigned k = 0; k < resolved.boundaries.size(); k++) {
    Record r("resolved");
    r.add("operation", operation).add("injection", k);
    encode(account_of(runner.subject, *resolved.boundaries[k]), "", &r);
    send(r);
  }
  for (const std::string& note : resolved.notes) send(Record("note").add("text", note));
}

}  // namespace

// Operations run one after the other, each from a fresh state. The first verdict except ok is the
// schedule's: nothing is injected into a state that a wrong operation left.
std::string replay(Runner& runner, const Record& command) {
  runner.engine.red_zone(command.number("no_red_zone") == 0);
  const auto schedule = read_schedule(runner, command);
  if (!schedule) return {};
  for (unsigned i = 0; i < schedule->operations.size(); i++) {
    Resolved resolved;
    bool refused = false;
    std::string trouble = prepare_sources(schedule->operations[i]);
    if (trouble.empty()) trouble = resolve_operation(runner, *schedule, i, &resolved, &refused);
    if (!trouble.empty() || refused) return trouble;
    const bool last = i + 1 == schedule->operations.size();
    if (!replay_operation(runner, resolved, i, last, command.number("why") != 0)) break;
  }
  return {};
}

std::string resolve_boundaries(Runner& runner, const Record& command) {
  const auto schedule = read_schedule(runner, command);
  if (!schedule) return {};
  for (unsigned i = 0; i < schedule->operations.size(); i++) {
    Resolved resolved;
    bool refused = false;
    std::string trouble = resolve_operation(runner, *schedule, i, &resolved, &refused);
    if (!trouble.empty() || refused) return trouble;
    send_boundaries(runner, resolved, i);
  }
  return {};
}

}  // namespace sigsweep
