// --walk FILE [--account]: the schedule's operations once, for a debugger that sends the signals.
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "stress/base/modules.h"
#include "stress/campaign/resolve.h"
#include "stress/runner/account.h"
#include "stress/runner/command.h"

namespace sigsweep {
namespace {

// The named address; 0 if there is none.
std::uint64_t address_of(const BoundaryName& at) {
  const auto start = modules_of_process().address_of(at.symbol);
  return start ? *start + at.offset : 0;
}

// The boundaries of a plan, by name: a trace would need the traps, which belong to the debugger.
std::vector<Boundary> named_boundaries(const Operation& op) {
  std::vector<Boundary> boundaries(op.injections.size());
  for (std::size_t i = 0; i < boundaries.size(); i++) {
    boundaries[i].symbol = op.injections[i].at.symbol;
    boundaries[i].offset = op.injections[i].at.offset;
    boundaries[i].nth = op.injections[i].at.nth;
    boundaries[i].phase = op.injections[i].phase;
    const auto named = modules_of_process().find(address_of(op.injections[i].at));
    if (!named) continue;
    boundaries[i].module = named->module->name;
    boundaries[i].address = named->linked;
  }
  return boundaries;
}

// A signal that is sent in a handler must find the mask open, because nothing opens it at the
// boundary. All other signals are the debugger's, and come where it says.
void let_signals_nest(const Operation& op) {
  sigset_t sent;
  sigemptyset(&sent);
  bool nests = false;
  for (const Injection& injection : op.injections) {
    sigaddset(&sent, signal_number(injection.signal).value_or(SIGPROF));
    nests = nests || injection.in.has_value();
  }
  for (int s = 1; s < NSIG && nests; s++) {
    struct sigaction action {};
    if (sigismember(&sent, s) != 1 || sigaction(s, nullptr, &action) != 0) continue;
    action.sa_flags |= SA_NODEFER;
    for (int other = 1; other < NSIG; other++) {
      if (sigismember(&sent, other) == 1) sigdelset(&action.sa_mask, other);
    }
    sigaction(s, &action, nullptr);
  }
}

// One operation: a line for people, and its account if requested.
void walk_operation(Runner& runner, const Schedule& schedule, unsigned index, bool account) {
  const Operation& op = schedule.operations[index];
  let_signals_nest(op);
  Resolved resolved;
  resolve_by_address(runner.subject, schedule, index, address_of, &resolved);
  const TrialResult ran = runner.engine.run(resolved.plan);
  const auto& [seen, judgement, at, slots, child] = ran;
  std::printf("%s: %s %s; %u of %u signals arrived\n", op.site.c_str(),
              std::string(verdict_name(judgement.verdict)).c_str(),
              slot_names(runner.subject, judgement.slots).c_str(), seen.landed, seen.requested);
  if (!account) return;
  const std::vector<Boundary> boundaries = named_boundaries(op);
  std::vector<const Boundary*> pointers;
  pointers.reserve(boundaries.size());
  for (const Boundary& b : boundaries) pointers.push_back(&b);
  Account walked = account_of(runner.subject, resolved.plan, pointers, ran, judgement);
  walked.kind = AccountKind::walked;
  walked.operation = index;
  send(encode(walked));
  flush();
}

}  // namespace

int walk(Runner& runner, const char* path, bool account) {
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  auto parsed = parse_schedule(text, path, catalog_of(runner.subject));
  if (const auto* error = std::get_if<ParseError>(&parsed)) {
    std::fprintf(stderr, "%s\n", error->to_string().c_str());
    return 2;
  }
  const Schedule& schedule = std::get<Schedule>(parsed);
  for (unsigned i = 0; i < schedule.operations.size(); i++) {
    unsigned protocol = 0, site = 0;
    std::string trouble = find_protocol(runner, schedule.protocol, &protocol);
    if (trouble.empty()) trouble = find_site(runner, schedule.operations[i].site, &site);
    if (!trouble.empty()) {  // the parser knows the same names
      std::fprintf(stderr, "%s: %s\n", path, trouble.c_str());
      return 3;
    }
    runner.engine.baseline(protocol, site, schedule.seed);
    walk_operation(runner, schedule, i, account);
  }
  return 0;
}

}  // namespace sigsweep
