// The stack that trials start on.
#include "stress/engine/surroundings.h"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

#include "stress/trap/sanitizer.h"

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

void Surroundings::note_stacks(const Subject& subject) {
  stack_count_ = subject.stacks(stacks_);
}

void Surroundings::unpoison_stacks() const {
  const auto unpoison = [](const Region& region) {
    const std::uint64_t at = as_address(region.at);
    trap::unpoison(at, at + region.size);
  };
  unpoison(stack.region());
  for (unsigned i = 0; i < stack_count_; i++) unpoison(stacks_[i]);
}

}  // namespace sigsweep
