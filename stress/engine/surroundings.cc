// The stack that trials start on.
#include "stress/engine/surroundings.h"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

namespace sigsweep {

TrialStack::TrialStack() {
  constexpr std::size_t kSize = 256 * 1024;
  void* stack = mmap(nullptr, 2 * kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED ||
      mprotect(static_cast<char*>(stack) + kSize, kSize, PROT_READ | PROT_WRITE) != 0) {
    problem_ = "a stack for trials: " + std::string(strerror(errno));
    return;
  }
  region_ = Region{static_cast<char*>(stack) + kSize, kSize};
}

}  // namespace sigsweep
