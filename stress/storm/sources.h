// The asynchronous sources (sources.def): who sends, how often, and what became of it.
#pragma once

#include <string>

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Run on g0 of each M, with signals blocked: the M's own timer, then signals; and the reverse, with
// its account closed.
void m_starts();
void m_leaves();
// Why an M could not have what it needs; empty: all have it.
std::string m_problem();

// Those that send from elsewhere: from when all Ms run until stop_senders, which comes back when no
// more is sent. Empty, or why one can't be had. REQUIRES: the calling thread blocks their signals.
std::string start_senders();
void stop_senders();
// Signals sent so far, by a source that counts them itself.
std::uint64_t sent(Async source);

}  // namespace sigsweep::storm
