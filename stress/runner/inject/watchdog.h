// Ends a trial that does not end: a timer on this thread's own CPU time, so that a machine that is
// busy elsewhere never makes a trial look hung.
#pragma once

#include <cstdint>
#include <string>

namespace sigsweep::inject {

// The signal that it uses; no handler under test masks it.
int watchdog_signal();

// Calls `expired` (in a handler, on the alternate stack) when *serial has stood still for
// `limit_ms` of CPU time and is not 0. Empty, or why it can't be had. Not async-signal-safe.
std::string start_watchdog(const volatile std::uint64_t* serial, unsigned limit_ms,
                           void (*expired)());

}  // namespace sigsweep::inject
