// Commands that run no trial: selfcheck, contracts, source.
#include "stress/runner/command.h"
#include "stress/runner/selfcheck.h"
#include "stress/trap/sources.h"

namespace sigsweep {

// selfcheck: the parts that the harness does by hand.
std::string selfcheck(Runner&, const Record&) {
  for (const SelfCheck* check = selfchecks(); check->name != nullptr; check++) {
    const std::string problem = check->run();
    if (!problem.empty()) return std::string(check->name) + ": " + problem;
  }
  return {};
}

// contracts: claim 0.
std::string contracts(Runner& runner, const Record&) {
  for (unsigned i = 0; i < runner.subject.contract_count(); i++) {
    send(Record("checks").add("name", runner.subject.contract_name(i)));
    flush();  // the check may end this process
    const Extras::Contract check = runner.subject.check_contract(i);
    send(Record("contract").add("name", check.name).add("problem", check.problem));
  }
  return {};
}

// source inject=: is this source available here?
std::string source(Runner&, const Record& command) {
  const auto wanted = source_from_name(command.text("inject"));
  if (!wanted) return "inject= is missing or unknown";
  send(Record("source").add("unavailable", trap::prepare(*wanted)));
  return {};
}

}  // namespace sigsweep
