// The asynchronous sources (sources.def): who sends, how often, and the counts.
#pragma once

#include <string>

#include "stress/storm/state.h"

namespace sigsweep::storm {

// The errno of a thread's timers that could not be made; 0: all threads have them.
int timers_error();

// The sources with senders of their own: they send from the time when all threads run. stop_senders
// returns when the sending has ended. Empty, or why one is not available. REQUIRES: the calling
// thread blocks their signals.
std::string start_senders();
void stop_senders();
// Signals sent so far by a source that counts them itself.
std::uint64_t sent(Async source);

}  // namespace sigsweep::storm
