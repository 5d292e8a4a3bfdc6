// Counters in AFL++'s map, at the places that its runtime gave them (counters_afl.S).
#include "fuzz/counters.h"

extern "C" {
extern std::uint8_t** const sigsweep_afl_map;
extern const std::uint32_t sigsweep_counter_places[SIGSWEEP_COUNTERS];
}

namespace sigsweep::fuzz {

void set_counter(unsigned index, std::uint8_t value) {
  (*sigsweep_afl_map)[sigsweep_counter_places[index]] = value;
}

bool engine_forks() {
  return true;
}

}  // namespace sigsweep::fuzz
