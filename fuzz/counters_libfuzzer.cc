// libFuzzer finds its extra counters by their section, and clears them before each input.
#include "fuzz/counters.h"

namespace sigsweep::fuzz {
namespace {
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t counters[SIGSWEEP_COUNTERS];
}

void set_counter(unsigned index, std::uint8_t value) {
  counters[index] = value;
}

// libFuzzer's instrumentation has all counters' addresses in the code.
bool restore_counters() {
  return false;
}

// libFuzzer installs handlers of its own in between.
bool engine_forks() {
  return false;
}

bool engine_takes_options() {
  return true;
}

}  // namespace sigsweep::fuzz
