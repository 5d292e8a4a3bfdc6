// The operations of the Go subject once more, by other means: every switch is a jump of
// Boost.Context between contexts of its own. It shares the tables (callsites.def, protocols.def)
// with the subject, and no code. No signals.
//
//   onM      jumps to a context made afresh on g0's stack, which runs fn and jumps back to curg
//   mcall    the same, and fn does not come back: it goes on with whoever is next
//   gogo     a jump to a G's context, which is used up
//   gosched, park, ready, goexit and schedule: a queue of those contexts
#pragma once

#include <cstdint>

#include "stress/subjects/onm/events.h"

namespace sigsweep::fuzz {

// What an operation shows, by either means.
struct Shown {
  onm::Events events;
  Call op{}, inner{};
  std::uint64_t slots[kMaxSlots]{};  // at the end
  const char* thrown = nullptr;      // the message that it ended by
  const char* lost = nullptr;        // a register that was not kept; null: none, or none to tell
  onm::World world;
};

// Runs a site by a protocol's operation side. The result is valid until the next run. Not
// thread-safe; allocates nothing but, once, its stacks.
const Shown& run_model(unsigned protocol, unsigned site, const std::uint64_t* in);

}  // namespace sigsweep::fuzz
