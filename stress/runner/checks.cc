// Commands that run no trial: selfcheck, contracts, source.
#include <algorithm>

#include "stress/runner/command.h"
#include "stress/runner/selfcheck.h"
#include "stress/trap/arch.h"
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

namespace {

struct ContractUnderWay {
  Subject& subject;
  unsigned index;
  Extras::Contract result;
};

void run_contract(void* under_way) {
  auto* contract = static_cast<ContractUnderWay*>(under_way);
  contract->result = contract->subject.check_contract(contract->index);
}

// With control words that nobody sets by habit. Every stub must leave them as they are, wherever it
// is called from: a signal's way back would restore them, so no trial could tell.
Extras::Contract check_contract(Subject& subject, unsigned index) {
  ContractUnderWay contract{subject, index, {}};
  trap::Probe probe{};
  probe.over = [] {};
  std::ranges::copy(trap::kControlProbe, probe.control_before);
  trap::probe_call(&probe, run_contract, &contract);
  for (unsigned i = 0; i < trap::kControls && contract.result.problem.empty(); i++) {
    if (probe.control_after[i] != probe.control_before[i])
      contract.result.problem = std::string(trap::kControlNames[i]) + " was changed";
  }
  return contract.result;
}

}  // namespace

// contracts: claim 0.
std::string contracts(Runner& runner, const Record&) {
  for (unsigned i = 0; i < runner.subject.contract_count(); i++) {
    send(Record("checks").add("name", runner.subject.contract_name(i)));
    flush();  // the check may end this process
    const Extras::Contract check = check_contract(runner.subject, i);
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
