// Checks of the harness itself, by itself, on the machine that it runs on: what it does by hand,
// and the kernel and the processor decide whether that is right. Not async-signal-safe.
#pragma once

#include <string>

namespace sigsweep {

struct SelfCheck {
  const char* name;
  std::string (*run)();  // empty, or what is wrong
};

// The checks; the last has no name.
const SelfCheck* selfchecks();

}  // namespace sigsweep
