// Ends a trial that runs too long, by this thread's own CPU time: a machine that is busy elsewhere
// never makes a trial look hung.
//
// It watches from another thread and sends a signal only to end a trial. A timer that ticks in this
// thread would be a signal that nobody asked for. The kernel begins the alternate stack anew for
// it, and so overwrites a handler that has switched from the alternate stack to another one.
#pragma once

#include <cstdint>
#include <string>

namespace sigsweep::trap {

// The signal that it uses; no handler under test masks it.
int watchdog_signal();

// Calls `expired` when *serial is not 0 and has not changed for `limit_ms` of CPU time. `expired`
// runs in a handler, on the alternate stack, whose frames are lost: it must not return into the
// trial. If that has not helped after the same time again, the process dies of watchdog_signal().
// Empty, or why there can be no watchdog. Not async-signal-safe.
std::string start_watchdog(const volatile std::uint64_t* serial, unsigned limit_ms,
                           void (*expired)());

// Sets another limit from here on, for a trial that takes longer by itself. Only while *serial is
// 0. Async-signal-safe.
void limit_time(unsigned limit_ms);

}  // namespace sigsweep::trap
