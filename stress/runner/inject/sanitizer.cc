// The calls into a sanitizer's runtime. The library is linked only where SIGSWEEP_ASAN is defined.
#include "stress/runner/inject/sanitizer.h"

#if defined(SIGSWEEP_ASAN)
extern "C" void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
#endif

namespace sigsweep::inject {

void unpoison_stacks([[maybe_unused]] const Subject& subject,
                     [[maybe_unused]] const Region& trial_stack) {
#if defined(SIGSWEEP_ASAN)
  Region stacks[8];
  const unsigned count = subject.stacks(stacks);
  for (unsigned i = 0; i < count; i++) __asan_unpoison_memory_region(stacks[i].at, stacks[i].size);
  __asan_unpoison_memory_region(trial_stack.at, trial_stack.size);
#endif
}

}  // namespace sigsweep::inject
