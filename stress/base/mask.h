// The masks of the harness's signal handlers.
#pragma once

#include <signal.h>

namespace sigsweep {

// A fault or a trap that occurs while it is masked kills the process without a word, and the
// watchdog's signal, SIGXCPU, must come through.
inline constexpr int kNeverBlocked[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU};

// Every signal but those. SIGNAL. Always inlined: code that is not instrumented must not share a
// copy with code that is.
__attribute__((always_inline)) inline void block_all_it_may(sigset_t* mask) {
  sigfillset(mask);
  for (int s : kNeverBlocked) sigdelset(mask, s);
}

}  // namespace sigsweep
