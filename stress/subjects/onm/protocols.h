// Properties of the rows of protocols.def that code outside the harness must know.
#pragma once

#include <cstdint>

namespace sigsweep::onm {

// How arguments travel: in the slots; in slots that the handler saves and restores; in a closure.
enum Passing : std::uint8_t { SLOTS, SAVED, CLOSURE };

// How the operation of a protocol passes its arguments.
Passing operation_passing(unsigned protocol);

}  // namespace sigsweep::onm
