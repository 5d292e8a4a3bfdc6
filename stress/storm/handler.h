// What a storm's signals do: a handler's call by the protocol, counted and checked.
#pragma once

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Installs the handlers of all sources, and the hook that resumes a rejected call.
void install_handlers();
int signal_of(Async source);
// Takes what is pending of a source for this thread; how many, each with the overruns that it
// carries. Async-signal-safe. REQUIRES: its signal is masked.
std::uint64_t take_pending(Async source);
// Ends the account of the M's timer and starts it anew with that period (ns; 0: stops it).
// Async-signal-safe. REQUIRES: the timer's signal is masked.
void rearm(MState* m, std::uint64_t period);

}  // namespace sigsweep::storm
