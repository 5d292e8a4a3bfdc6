// What a function pushed at the top of a stack that it went to, and takes back from there.
#pragma once

#include <vector>

#include "stress/host/mutants/control_flow.h"

namespace sigsweep {

// The instructions at an offset, before a change and after it: they only move SP, or pop. Does all
// come to the same once SP is loaded anew, because each register holds the same pushed word, or is
// overwritten before it is read? The function whose words they are goes to the stack by a load of SP,
// and leaves it by another one. What it calls in between leaves the words in their place.
bool takes_the_same_words(const ProgramCode::Function& function, const ControlFlow& flow,
                          std::uint64_t offset, const std::vector<Decoded>& before,
                          const std::vector<Decoded>& after);

}  // namespace sigsweep
