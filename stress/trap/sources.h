// How a signal is made pending, exactly, from within the trap at the boundary (docs/design.md,
// "How a signal lands").
//
// Every signal is masked in the trap. So a signal that is made pending there is delivered when the
// trap's handler returns, at the very pc of the boundary. kill, itimer and peer differ in the
// sender.
#pragma once

#include <string>

#include "stress/schedule/schedule.h"

namespace sigsweep::trap {

// The trap at the boundary is the signal: nothing is made pending.
constexpr bool is_the_trap(Source source) {
  return source == Source::direct || source == Source::hwbreak || source == Source::user;
}

// Starts the helpers of the source (a thread, for peer). Empty, or why it is not available. Not
// async-signal-safe.
std::string prepare(Source source);

// Makes `sig` pending for this thread and waits until it is. errno stays what it was.
// Async-signal-safe. REQUIRES: sig is masked; prepare(source); source is kill, itimer or peer.
void make_pending(Source source, int sig);

// In a child: the parent's threads do not exist there. prepare() starts them anew.
void after_fork();

// Discards a pending `sig`; false: none was pending. Nothing may remain for the next trial.
bool discard_pending(int sig);

}  // namespace sigsweep::trap
