// When each breakpoint of a plan is armed. While a handler runs, only the injections nested in it
// count their passes. Async-signal-safe.
#pragma once

#include "stress/engine/plan.h"

namespace sigsweep {

// How a plan's signals come.
struct Means {
  bool some_by_trap = false;  // a trap, or a jump in its place, is the signal
  bool all_by_trap = false;
  bool all_by_user = false;  // of those, and there is one: without the kernel
};
Means means_of(const Plan& plan);

// Arms those of the operation itself, before it starts.
void arm_operation(const Plan& plan);
// The handler of injection `index` begins: those nested in it are armed, all others suspended.
void arm_handler(const Plan& plan, unsigned index);
// That handler has ended. The injections beside it count again. If it was nested and interrupted
// the way out of a handler, the injections beside that handler count again, too.
void disarm_handler(const Plan& plan, unsigned index, const Course& seen);

// The bytes below SP that a landing leaves as they are: the red zone. A backtrace gets more. Behind
// the pops of an epilogue, clang's call frame information still finds the registers there. Where the
// ABI has no red zone, a signal on the alternate stack leaves them alone, too.
std::uint64_t left_alone(const Plan& plan, std::uint64_t red_zone);

}  // namespace sigsweep
