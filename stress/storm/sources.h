// The asynchronous sources (sources.def): who sends, how often, and what became of it.
#pragma once

#include <string>

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Why a thread could not have its timers, an errno; 0: all have them.
int timers_error();

// Those that send from elsewhere: from when all threads run until stop_senders, which comes back
// when no more is sent. Empty, or why one can't be had. REQUIRES: the calling thread blocks their
// signals.
std::string start_senders();
void stop_senders();
// Signals sent so far, by a source that counts them itself.
std::uint64_t sent(Async source);

}  // namespace sigsweep::storm
