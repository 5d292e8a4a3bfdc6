// The calls into a sanitizer's runtime. The library is linked only where SIGSWEEP_ASAN is defined.
#include "stress/runner/inject/sanitizer.h"

#if defined(SIGSWEEP_ASAN)
extern "C" void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);
#endif

namespace sigsweep::inject {

void unpoison_stacks([[maybe_unused]] const Subject& subject) {
#if defined(SIGSWEEP_ASAN)
  Region stacks[8];
  const unsigned count = subject.stacks(stacks);
  for (unsigned i = 0; i < count; i++) __asan_unpoison_memory_region(stacks[i].at, stacks[i].size);
  // Host frames below this one were abandoned too; a few KiB at most.
  constexpr std::size_t kBelow = 8192;
  auto* here = static_cast<char*>(__builtin_frame_address(0));
  __asan_unpoison_memory_region(here - kBelow, kBelow);
#endif
}

}  // namespace sigsweep::inject
