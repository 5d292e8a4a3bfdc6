// The operations of the Go subject once more, by other means: every switch is a jump of
// Boost.Context between contexts of its own. It shares only the tables (callsites.def,
// protocols.def) with the subject. No signals.
//
//   onM      jumps to a context made afresh on g0's stack, which runs fn and jumps back to curg
//   mcall    the same, but fn does not return: it goes on with the next G
//   gogo     a jump to a G's context, which is used up
//   gosched, park, ready, goexit and schedule: a queue of those contexts
#pragma once

#include <cstdint>

#include "stress/subjects/onm/events.h"

namespace sigsweep::fuzz {

// The results of an operation, by either means.
struct Shown {
  onm::Events events;
  Call op{}, inner{};
  std::uint64_t slots[kMaxSlots]{};  // at the end
  const char* thrown = nullptr;      // the message of the throw that ended it
  const char* lost = nullptr;        // a register that was not kept; null: none, or unknown
  onm::World world;
};

// Runs a site by a protocol's operation side. The result is valid until the next run. Not
// thread-safe. Allocates only its stacks, once.
const Shown& run_model(unsigned protocol, unsigned site, const std::uint64_t* in);

}  // namespace sigsweep::fuzz
