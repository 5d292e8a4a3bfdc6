// What the Gs of a storm do: allocate, schedule, collect, and run the call sites of the exact lane.
#pragma once

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Bytes; what the Gs allocate beside large objects.
inline constexpr runtime::Word kLargestSmallObject = 2048;

// Makes the Gs' state. Once, before start_gs.
void prepare_work();
// The FuncVal of the first G, which makes the others.
const runtime::FuncVal* first_g();
// Each G ends after the operation that it is in.
void stop_gs();
// Gs that were made and have come to their end, of those and of their short-lived children.
struct GCount {
  std::uint64_t made, finished;
};
GCount count_gs();

}  // namespace sigsweep::storm
