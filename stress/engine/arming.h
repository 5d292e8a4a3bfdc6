// Which breakpoints of a plan stand when. While a handler runs only the injections nested in it
// count their passes. Async-signal-safe.
#pragma once

#include "stress/engine/plan.h"

namespace sigsweep {

// Those of the operation itself, before it starts.
void arm_operation(const Plan& plan);
// The handler of injection `index` begins: those nested in it are armed, all others suspended.
void arm_handler(const Plan& plan, unsigned index);
// It has ended. Those that wait where it was interrupted count again; and, where that was a
// handler's way out, those beside that handler, too.
void disarm_handler(const Plan& plan, unsigned index, const Course& seen);

}  // namespace sigsweep
