// The counts and notes of an M, beside those of each thread of a storm (stress/storm/state.h).
// Every field has one writer: the M's own thread, in a G, on g0 or in a handler.
#pragma once

#include "runtime/runtime.h"
#include "stress/storm/state.h"

namespace sigsweep::storm::go {

// The value of a signal that an M sends to itself, or that is sent to an M that lives for a moment.
inline constexpr int kProbe = 0x9e0b;

// Bits of Hit::state.
inline constexpr std::uint32_t kOnG0 = 1;    // g was g0
inline constexpr std::uint32_t kSpInG0 = 2;  // SP was in g0's stack

struct alignas(64) MState {
  // the handler's
  Counter calls;  // made from gsignal: rejected + ran (unless the process died in one)
  Counter rejected, ran, handler_clobbered;
  void* resume[2][5];  // the points after rejected calls, by depth
  bool calling;        // a handler's call is under way
  Counter probes;      // signals that only ask whether their handler is entered well
  // the operation's
  Counter legal;        // calls of stubs from curg and g0 that came back
  unsigned op_signals;  // landed since the operation began
  Hit hit;
};
extern MState states[kMaxThreads + 1];  // the last one: of the Ms that live for a moment

// The state of the calling M. CAVEAT: a G may be on another M after each scheduling point.
inline MState& here() {
  return states[runtime::getg()->m->id];
}
inline Thread& thread_here() {
  return threads[runtime::getg()->m->id];
}

}  // namespace sigsweep::storm::go
