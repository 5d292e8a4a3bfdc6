// How a signal is made pending, exactly, from within the trap at the boundary (docs/design.md,
// "How a signal lands").
//
// In the trap every signal is masked, so what is made pending there is delivered when the trap's
// handler returns, at the very pc of the boundary. kill, itimer and peer differ in who sends it.
#pragma once

#include <string>

#include "stress/schedule/schedule.h"

namespace sigsweep::trap {

// The trap at the boundary is the signal: nothing is made pending.
constexpr bool is_the_trap(Source source) {
  return source == Source::direct || source == Source::hwbreak;
}

// Starts what the source needs (a thread, for peer). Empty, or why it can't be had. Not
// async-signal-safe.
std::string prepare(Source source);

// Makes `sig` pending for this thread and waits until it is. errno stays what it was.
// Async-signal-safe. REQUIRES: sig is masked; prepare(source); source is kill, itimer or peer.
void make_pending(Source source, int sig);

// In a child: its parent's threads are not there. prepare() starts them anew.
void after_fork();

// Discards a pending `sig`; false: there was none. Nothing may be left for the next trial.
bool discard_pending(int sig);

}  // namespace sigsweep::trap
