// From a plan back to a schedule's names.
#include "fuzz/finding.h"

#include <algorithm>

#include "stress/runner/resolve.h"

namespace sigsweep::fuzz {
namespace {

std::vector<Argument> arguments(SlotMask slots, const std::uint64_t* in) {
  std::vector<Argument> given;
  for (unsigned i = 0; i < subject().slots().size(); i++) {
    if ((slots >> i & 1) != 0) given.push_back({std::string(subject().slots()[i]), in[i]});
  }
  return given;
}

std::string signal_name(int signal) {
  const auto is_it = [signal](std::string_view name) { return signal_number(name) == signal; };
  return std::string(*std::find_if(std::begin(kSignals), std::end(kSignals), is_it));
}

}  // namespace

Schedule schedule_of(const Plan& plan, std::uint64_t seed, const Boundary& boundary,
                     const Judgement& judgement) {
  const PlannedInjection& planned = plan.injection[0];
  const Site& site = subject().sites()[plan.site];
  Injection injection;
  injection.signal = signal_name(planned.signal);
  injection.at = {boundary.symbol, boundary.offset, boundary.nth};
  injection.phase = boundary.phase;
  injection.by = planned.source;
  injection.handler = "none";
  if (planned.handler != kNoHandler) {
    const Site& handler = subject().sites()[planned.handler];
    injection.handler = handler.name;
    injection.args = arguments(handler.in, planned.in);
  }
  Schedule schedule;
  schedule.isa = subject().isa();
  schedule.protocol = subject().protocols()[plan.protocol].name;
  schedule.seed = seed;
  schedule.operations = {{std::string(site.name), arguments(site.in, plan.in), {injection}}};
  const std::vector<Argument> hurt = arguments(judgement.slots, plan.in);
  schedule.expect = {std::string(verdict_name(judgement.verdict)),
                     hurt.empty() ? "" : hurt.front().slot};
  return schedule;
}

std::string finding_text(std::string_view target, const std::string& why,
                         const Schedule& schedule) {
  return std::string(target) + ": " + why + "\n---- schedule ----\n" + print_schedule(schedule) +
         "---- end of schedule ----\n" + std::string(target) +
         ": to replay it, keep the lines between the marks in FILE: sigsweep replay FILE";
}

}  // namespace sigsweep::fuzz
