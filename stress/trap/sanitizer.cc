// The calls into a sanitizer's runtime. The library is linked only where SIGSWEEP_ASAN is defined.
#include "stress/trap/sanitizer.h"

#include <cstddef>

#include "stress/base/region.h"

#if defined(SIGSWEEP_ASAN)
extern "C" void __asan_unpoison_memory_region(void const volatile* address, std::size_t size);

namespace {
void (*report_client)();
}  // namespace

// The linker sends the calls of instrumented code here (--wrap, CMakeLists.txt). ASan's own report
// takes a lock; a trial abandoned within it would keep the lock for ever.
#define REPORT(name)                                           \
  extern "C" void __real___asan_report_##name(void* address);  \
  extern "C" void __wrap___asan_report_##name(void* address);  \
  extern "C" void __wrap___asan_report_##name(void* address) { \
    if (report_client != nullptr) report_client();             \
    __real___asan_report_##name(address);                      \
  }
#define REPORT_N(name)                                                           \
  extern "C" void __real___asan_report_##name(void* address, std::size_t size);  \
  extern "C" void __wrap___asan_report_##name(void* address, std::size_t size);  \
  extern "C" void __wrap___asan_report_##name(void* address, std::size_t size) { \
    if (report_client != nullptr) report_client();                               \
    __real___asan_report_##name(address, size);                                  \
  }
REPORT(load1)
REPORT(load2)
REPORT(load4)
REPORT(load8)
REPORT(load16)
REPORT_N(load_n)
REPORT(store1)
REPORT(store2)
REPORT(store4)
REPORT(store8)
REPORT(store16)
REPORT_N(store_n)
#endif

namespace sigsweep::trap {

void unpoison([[maybe_unused]] std::uint64_t from, [[maybe_unused]] std::uint64_t to) {
#if defined(SIGSWEEP_ASAN)
  if (to > from)
    __asan_unpoison_memory_region(as_pointer<void>(from), static_cast<std::size_t>(to - from));
#endif
}

void on_sanitizer_report([[maybe_unused]] void (*client)()) {
#if defined(SIGSWEEP_ASAN)
  report_client = client;
#endif
}

}  // namespace sigsweep::trap
