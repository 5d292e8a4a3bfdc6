// Taking each trace at its first use.
#include "stress/campaign/traces.h"

#include "stress/campaign/resolve.h"

namespace sigsweep {
namespace {

constexpr std::uint64_t kTraceSeed = 1;  // a trace does not depend on the arguments' values

}  // namespace

std::string Traces::of_operation(unsigned protocol, unsigned site, const Trace** out) {
  const auto [entry, fresh] =
      operations_.try_emplace({subject().protocols()[protocol].operation_side, site});
  Taken& taken = entry->second;
  if (fresh) taken.problem = engine_.trace(protocol, site, kTraceSeed, &taken.trace);
  *out = &taken.trace;
  return taken.problem;
}

std::string Traces::of_handler(unsigned protocol, unsigned handler, const Trace** out) {
  const auto [entry, fresh] =
      handlers_.try_emplace({subject().protocols()[protocol].handler_side, handler});
  Taken& taken = entry->second;
  if (fresh) taken.problem = take_handler(protocol, handler, &taken.trace);
  *out = &taken.trace;
  return taken.problem;
}

// It interrupts the first site at its start: a handler's way does not depend on the interrupted
// code.
std::string Traces::take_handler(unsigned protocol, unsigned handler, Trace* out) {
  const Trace* operation = nullptr;
  if (std::string problem = of_operation(protocol, 0, &operation); !problem.empty()) return problem;
  Plan plan;
  plan.protocol = protocol;
  plan.injections = 1;
  draw_nonces(kTraceSeed, 0, subject().word_bits(), plan.in);
  plan.injection[0].pc = operation->boundaries[0].pc;
  plan.injection[0].signal = *signal_number("SIGPROF");
  plan.injection[0].source = Source::kill;
  plan.injection[0].handler = handler;
  draw_nonces(kTraceSeed, kHandlerLevel, subject().word_bits(), plan.injection[0].in);
  std::string problem = engine_.trace_handler(plan, out);
  if (!problem.empty() || out->complete) return problem;
  // A handler that goes wrong has no end. For any other, a part must not pass for the whole.
  if (engine_.run(plan).judgement.verdict != Verdict::ok) return {};
  return "the way of handler " + std::string(handler_name(subject(), handler)) +
         " was not recorded to its end";
}

}  // namespace sigsweep
