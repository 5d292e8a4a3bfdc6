// A thread's own timers (source `timer`): started, slowed down where they are too fast, and what
// became of their signals.
//
// Several take turns, each at a part of the rate. A timer that is alone makes the kernel set its
// clock twice for each signal: when it has expired, for whatever comes next, and when its signal is
// taken, for itself. Of several the next one is set already. On a virtual machine, where the clock
// is the hypervisor's, that is a quarter of what a signal costs (`bare_timers`).
#pragma once

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Starts those of the thread that runs this, with that many ns between two signals. 0, or an errno.
int start_timers(Thread* thread, std::uint64_t period);
// Ends them; their account is closed. REQUIRES: their signal is masked.
void stop_timers(Thread* thread);

// The storm is over: each thread ends its own at the next signal.
void end_timers();

// To be called for each signal of a thread, `entered` (ticks): slows its timers down where the
// program stands still, unless the rate is to be held. Async-signal-safe. REQUIRES: their signal is
// masked.
void watch_progress(Thread* thread, const ucontext_t& uc, std::uint64_t entered);

// Takes what is pending of a source for this thread, at most so many signals; how many, each with
// the overruns that it carries. Async-signal-safe. REQUIRES: its signal is masked. CAVEAT: a timer
// whose signal is taken goes on, and may send the next one at once.
std::uint64_t take_pending(Async source, std::uint64_t most);

}  // namespace sigsweep::storm
