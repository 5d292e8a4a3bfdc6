// What else than the harness must know of the rows of protocols.def.
#pragma once

#include <cstdint>

namespace sigsweep::onm {

// How arguments travel: in the slots; in slots that the handler saves and restores; in a closure.
enum Passing : std::uint8_t { SLOTS, SAVED, CLOSURE };

// How the operation of a protocol passes its arguments.
Passing operation_passing(unsigned protocol);

}  // namespace sigsweep::onm
