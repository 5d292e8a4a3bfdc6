// The masks of the harness's signal handlers.
#pragma once

#include <signal.h>

namespace sigsweep {

// The kernel kills a process in which a fault or a trap occurs while it is masked. The watchdog's
// signal, SIGXCPU, must come through.
inline constexpr int kNeverBlocked[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU};

// Every signal but those. SIGNAL. Always inlined: instrumented code and code without
// instrumentation must not share a copy.
__attribute__((always_inline)) inline void block_all_it_may(sigset_t* mask) {
  sigfillset(mask);
  for (int s : kNeverBlocked) sigdelset(mask, s);
}

}  // namespace sigsweep
