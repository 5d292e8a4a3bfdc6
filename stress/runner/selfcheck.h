// Self-tests of the harness on this machine: a frame that it restores by hand must leave the same
// state as one that the kernel restores. Not async-signal-safe.
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
