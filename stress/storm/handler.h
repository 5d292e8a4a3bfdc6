// What a storm's signals do: a handler's call by the protocol, counted and checked.
#pragma once

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Installs the handlers of all sources, and the hook that resumes a rejected call.
void install_handlers();
int signal_of(Async source);
// Ends the account of the M's timer at time `now` and starts it anew with that period (ns; 0: stops
// it). Async-signal-safe.
void rearm(MState* m, std::uint64_t period);

}  // namespace sigsweep::storm
