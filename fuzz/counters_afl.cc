// Counters in AFL++'s map, at the places that its runtime gave them (counters_afl.S).
#include <cstdlib>

#include "fuzz/counters.h"

extern "C" {
extern std::uint8_t** const sigsweep_afl_map;
extern const std::uint32_t sigsweep_counter_places[SIGSWEEP_COUNTERS];
}

namespace sigsweep::fuzz {

void set_counter(unsigned index, std::uint8_t value) {
  (*sigsweep_afl_map)[sigsweep_counter_places[index]] = value;
}

// afl-showmap waits ten seconds for its fork server, whatever it is told; scripts/minimize sets
// this.
bool engine_forks() {
  return std::getenv("SIGSWEEP_PREPARE_LATE") == nullptr;
}

// Its driver takes a single one for a number of runs, and aborts.
bool engine_takes_options() {
  return false;
}

}  // namespace sigsweep::fuzz
