// A thread's own timers (source `timer`): started, slowed down if they are too fast, and the
// account of their signals.
//
// Several timers take turns, each at a part of the rate. For a single timer the kernel sets its
// clock twice for each signal. When the timer has expired, it sets the clock for the next event;
// when the signal is taken, for the timer itself. With several timers the next one is set already.
// On a virtual machine, whose clock is the hypervisor's, that saves a quarter of a signal's cost
// (`bare_timers`).
#pragma once

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Starts the timers of the calling thread, with that many ns between two signals. 0, or an errno.
int start_timers(Thread* thread, std::uint64_t period);
// Ends them and closes their account. REQUIRES: their signal is masked.
void stop_timers(Thread* thread);

// The storm is over: each thread ends its own at the next signal.
void end_timers();

// Call it for each signal of a thread, `entered` (ticks). It slows the thread's timers down if the
// program stands still, unless the rate is to be held. Async-signal-safe. REQUIRES: their signal is
// masked.
void watch_progress(Thread* thread, const ucontext_t& uc, std::uint64_t entered);

// Takes pending signals of a source for this thread, at most so many. Returns how many, each with
// the overruns that it carries. Async-signal-safe. REQUIRES: its signal is masked. CAVEAT: a timer
// whose signal is taken goes on, and may send the next one at once.
std::uint64_t take_pending(Async source, std::uint64_t most);

}  // namespace sigsweep::storm
