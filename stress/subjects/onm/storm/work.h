// What the Gs of a storm do: allocate, schedule, collect, and run the call sites of the exact lane.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/runtime.h"

namespace sigsweep::storm::go {

inline constexpr unsigned kMaxGs = 4096;

// What Gs do.
inline constexpr std::string_view kMixNames[] = {"alloc", "sched", "gc", "slots"};

// Bytes; what the Gs allocate beside large objects.
inline constexpr runtime::Word kLargestSmallObject = 2048;

// Makes the Gs' state. Once, before start_gs.
void prepare_work();
// The Gs, ready to run. Before there are signals: not by onM and the slots, where a hazard would
// end the storm in its first millisecond; the children that sched makes are.
void start_gs();
// Each G ends after the operation that it is in.
void stop_gs();
// Gs that were made and have come to their end, of those and of their short-lived children.
struct GCount {
  std::uint64_t made, finished;
};
GCount count_gs();

}  // namespace sigsweep::storm::go
