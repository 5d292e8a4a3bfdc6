#include "stress/subjects/adapter/check.h"

#include <cstdio>

#include "stress/runner/command.h"

namespace sigsweep::adapter {
namespace {

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string place(std::uint64_t pc) {
  const auto named = modules_of_process().find(pc);
  return named ? named->symbol + "+" + hex(named->offset) : hex(pc);
}

std::string_view stack_name(unsigned name) {
  return name == Stacks::kNone ? "none" : kStackNames[name];
}

std::string part_name(WayPart part) {
  return std::string(kWayPartNames[static_cast<unsigned>(part)]);
}

// The instruction that called, and not the jump on the way.
std::string caller_of(const Allocation& allocation) {
  std::string where;
  for (const std::uint64_t pc : allocation.before) {
    where = place(pc);
    if (where.find("@plt") == where.npos) break;
  }
  return where;
}

struct Problem {
  std::string what, where, allowed;
  int status = 2;
};

void send_stacks(const Adapter& adapter) {
  for (unsigned name = 0; name < kStacks; name++) {
    const NamedStack& stack = adapter.named_stacks()[name];
    if (!stack.exists()) continue;
    const bool own = name >= kLibrary || (adapter.library().has(SIGSWEEP_OWNS_STACKS) &&
                                          name != kHost && name != kSignal);
    send(Record("stack")
             .add("name", kStackNames[name])
             .add("lowest", hex(stack.lo))
             .add("size", stack.hi - stack.lo)
             .add("from", own ? "library" : "sigsweep"));
  }
}

void send_sites(const StepLog& log) {
  for (unsigned i = 0; i < std::size(kSites); i++) {
    if (!log.sites[i].done) continue;
    std::uint64_t executed = 0;
    log.executed.each([&](const Executed& at) { executed += at.sites >> i & 1; });
    send(Record("site").add("name", kSites[i].name).add("executed", executed));
  }
  for (const Move& move : log.moves.all()) {
    send(Record("switch")
             .add("site", kSites[move.site].name)
             .add("part", part_name(move.part))
             .add("at", place(move.pc))
             .add("from", stack_name(move.from))
             .add("to", stack_name(move.to)));
  }
}

Record record_of(const char* word, const Function& f) {
  Record r(word);
  r.add("symbol", f.symbol)
      .add("module", f.module->name.empty() ? "sigsweep" : f.module->name)
      .add("executed", f.executed);
  return r;
}

void send_code(const SweptCode& code) {
  for (const Function& f : code.swept) {
    Record r = record_of("code", f);
    send(r.add("begin", hex(f.begin - f.module->bias)).add("end", hex(f.end - f.module->bias)));
  }
  for (const SweptCode::LeftOut& left : code.left_out) {
    Record r = record_of("left_out", left.function);
    send(r.add("why", left.why));
  }
}

// The breach of a promise that shows without a signal; empty: none.
std::string breach(const StepLog& log, std::uint32_t promise) {
  for (unsigned i = 0; i < std::size(kSites); i++) {
    const std::string site(kSites[i].name);
    if (promise == SIGSWEEP_PASSES_VALUE && log.sites[i].mistaken) {
      return "another value arrives (site " + site + ")";
    }
    if (log.sites[i].problem == nullptr) continue;
    const std::string_view problem = log.sites[i].problem;
    const bool fpenv = problem.starts_with("MXCSR") || problem.starts_with("x87");
    const bool mask = problem.starts_with("signal mask");
    if ((promise == SIGSWEEP_KEEPS_FPENV && fpenv) || (promise == SIGSWEEP_KEEPS_MASK && mask)) {
      return std::string(problem) + " (site " + site + ")";
    }
  }
  return {};
}

// Those that need no signal, and no second thread.
constexpr std::uint32_t kChecked = SIGSWEEP_KEEPS_FPENV | SIGSWEEP_KEEPS_MASK | SIGSWEEP_NESTS |
                                   SIGSWEEP_MIGRATES | SIGSWEEP_PASSES_VALUE;

void send_promises(const Library& library, const StepLog& log) {
  for (const Flag& flag : kPromises) {
    const bool given = library.promises(flag.bit), checked = (kChecked & flag.bit) != 0;
    const std::string wrong = given ? breach(log, flag.bit) : std::string();
    Record r("promise");
    r.add("name", flag.name)
        .add("given", std::uint64_t{given})
        .add("ok", std::uint64_t{wrong.empty()})
        .add("detail", wrong);
    if (given && !checked) r.add("by_sweep", 1U);
    send(r);
  }
}

// What nobody promises, and what is good to know.
void send_errno(const StepLog& log) {
  std::string sites;
  for (unsigned i = 0; i < std::size(kSites); i++) {
    if (log.sites[i].sets_errno) sites += " " + std::string(kSites[i].name);
  }
  send(Record("promise")
           .add("name", "keeps_errno")
           .add("given", std::uint64_t{0})
           .add("ok", std::uint64_t{sites.empty()})
           .add("detail", sites.empty() ? "" : "set by" + sites));
}

void find_lost_state(const StepLog& log, std::vector<Problem>* out) {
  for (unsigned i = 0; i < std::size(kSites); i++) {
    const std::string site = "site " + std::string(kSites[i].name);
    if (log.sites[i].problem != nullptr) {
      out->push_back({std::string("without any signal: ") + log.sites[i].problem, site,
                      "a switch keeps the registers that a call must keep, and what is promised"});
    }
    if (log.sites[i].mistaken) {
      out->push_back(
          {"a value or the order is wrong: a resume() must run the coroutine once, and come back "
           "once, with the value that suspend() was given",
           site, "without SIGSWEEP_PASSES_VALUE no value is compared"});
    }
  }
}

void find_problems(const Adapter& adapter, std::vector<Problem>* out) {
  const StepLog& log = *adapter.steps().log;
  for (const Allocation& a : log.allocations.all()) {
    out->push_back({part_name(a.part) + "() allocates: it calls " + a.function, caller_of(a),
                    "resume, suspend and transfer only switch: a signal lands in them, and a "
                    "handler must not find the heap half changed"});
  }
  if (log.undeclared_sp != 0) {
    out->push_back({"a body runs on a stack that was not declared: SP is " + hex(log.undeclared_sp),
                    "create",
                    "host->stack(co, lowest, size) in create(), with the trait "
                    "SIGSWEEP_OWNS_STACKS; or the stack that create() is given"});
  }
  if (const std::string& symbol = adapter.found_code().switch_left_out; !symbol.empty()) {
    out->push_back(
        {"the switch itself is left out: " + symbol +
             " moves SP from one stack to another, and belongs to the C library",
         "code",
         "\"trace\", \"sym:" + symbol + "\" in `code`; \"!sym:" + symbol + "\" if it is meant"});
  }
  find_lost_state(log, out);
  if (log.executed.is_full()) {
    out->push_back({"the way is too long: more instructions than sigsweep can follow", "",
                    "at most " + std::to_string(ExecutedSet::kMost)});
  }
}

}  // namespace

int send_check(const Adapter& adapter) {
  const Stepped& steps = adapter.steps();
  std::vector<Problem> problems;
  for (const Record& record : adapter.identity()) send(record);
  if (!steps.problem.empty()) problems.push_back({steps.problem, "", "", steps.status});
  if (!adapter.found_code().problem.empty()) {
    problems.push_back({adapter.found_code().problem, "", ""});
  }
  if (steps.log != nullptr) {
    send_stacks(adapter);
    send_sites(*steps.log);
    send_code(adapter.found_code());
    send_promises(adapter.library(), *steps.log);
    send_errno(*steps.log);
    find_problems(adapter, &problems);
  }
  for (const Problem& p : problems) {
    send(Record("problem").add("what", p.what).add("where", p.where).add("allowed", p.allowed));
  }
  send(Record("done"));
  flush();
  return problems.empty() ? 0 : problems.front().status;
}

}  // namespace sigsweep::adapter
