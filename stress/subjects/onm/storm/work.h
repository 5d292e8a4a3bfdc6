// The work of a storm's Gs: allocate, schedule, collect, and run the call sites of the exact lane.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/runtime.h"

namespace sigsweep::storm::go {

inline constexpr unsigned kMaxGs = 4096;

// The kinds of work.
inline constexpr std::string_view kMixNames[] = {"alloc", "sched", "gc", "slots"};

// Bytes. The Gs allocate these beside large objects.
inline constexpr runtime::Word kLargestSmallObject = 2048;

// Makes the Gs' state. Once, before start_gs.
void prepare_work();
// Starts the Gs, ready to run, before there are signals. It does not use onM and the slots: there a
// hazard would end the storm in its first millisecond. The children that sched makes do use them.
void start_gs();
// Each G ends after the operation that it is in.
void stop_gs();
// Gs that were made and that have ended, including their short-lived children.
struct GCount {
  std::uint64_t made, finished;
};
GCount count_gs();

}  // namespace sigsweep::storm::go
