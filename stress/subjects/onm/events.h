// The events of the operation under way, in their order: to compare it with the same operation by
// other means. Recorded only in a build of the subject with SIGSWEEP_EVENTS; all other builds
// contain none of this code.
#pragma once

#include <cstdint>

#include "stress/subject/subject.h"

namespace sigsweep::onm {

// Numbers of Gs and of their stacks are those of Subject::stack_of: g0, gsignal, then by goid.
inline constexpr unsigned kNobody = 0, kG0 = 1, kGsignal = 2;
constexpr unsigned number_of_goid(std::uint64_t goid) {
  return 3 + static_cast<unsigned>(goid);
}

enum class What : std::uint8_t { called, entered, returned };  // by the caller; fn; the caller

struct Event {
  What what = What::called;
  const Call* call = nullptr;  // null: of the G that wakes a parked one
  unsigned g = 0, stack = 0;   // where it happens
  unsigned curg = 0;
  bool saved = false;  // curg, if there is one, has a place to go on at: sched.sp is not 0
};

inline constexpr unsigned kMaxEvents = 64;
struct Events {
  Event event[kMaxEvents];
  unsigned count = 0;  // all events, also those that found no room
};

// The rest of the world when the operation is over. Only M and Gs of the subject are read.
inline constexpr unsigned kMostGs = 2;
struct World {
  unsigned curg = 0;
  unsigned runnable = 0;      // Gs in the run queue
  unsigned ended[kMostGs]{};  // the free list, the last ended first; kNobody: not used
  bool operator==(const World&) const = default;
};

// SIGNAL. Appends an event of this thread's M, here and now.
void record(What what, const Call* call);

// Since reset_frames().
const Events& events();
void forget_events();
World world();

}  // namespace sigsweep::onm

#if defined(SIGSWEEP_EVENTS)
#define RECORD(what, call) record(What::what, call)
#else
#define RECORD(what, call) static_cast<void>(0)
#endif
