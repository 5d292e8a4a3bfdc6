// Ends a trial that does not end, by this thread's own CPU time: a machine that is busy elsewhere
// never makes a trial look hung.
//
// It looks on from another thread and sends a signal only to end a trial. A timer that ticks in
// this thread would be a signal that nobody asked for: a handler on the alternate stack that has
// switched to another one would be overwritten, for the kernel begins the alternate stack anew.
#pragma once

#include <cstdint>
#include <string>

namespace sigsweep::trap {

// The signal that it uses; no handler under test masks it.
int watchdog_signal();

// Calls `expired` (in a handler, on the alternate stack, whose frames are lost: it must not return
// into the trial) when *serial has stood still for `limit_ms` of CPU time and is not 0. Where that
// has not helped after as much time again, the process dies of watchdog_signal(). Empty, or why it
// can't be had. Not async-signal-safe.
std::string start_watchdog(const volatile std::uint64_t* serial, unsigned limit_ms,
                           void (*expired)());

// Another limit from here on, for a trial that takes longer by itself. Set while *serial is 0.
// Async-signal-safe.
void limit_time(unsigned limit_ms);

}  // namespace sigsweep::trap
