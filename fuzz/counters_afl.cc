// Counters in AFL++'s map, at the places that its runtime gave them (counters_afl.S).
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fuzz/counters.h"

extern "C" {
extern std::uint8_t** const sigsweep_afl_map;
extern const std::uint32_t sigsweep_counter_places[SIGSWEEP_COUNTERS];
// The places of all counters, the edges' among them.
extern std::uint8_t* const sigsweep_all_places;
extern std::uint8_t* const sigsweep_all_places_end;
}

namespace sigsweep::fuzz {

void set_counter(unsigned index, std::uint8_t value) {
  (*sigsweep_afl_map)[sigsweep_counter_places[index]] = value;
}

bool restore_counters() {
  static const std::vector<std::uint8_t> places(sigsweep_all_places, sigsweep_all_places_end);
  if (std::memcmp(sigsweep_all_places, places.data(), places.size()) == 0) return false;
  std::memcpy(sigsweep_all_places, places.data(), places.size());
  return true;
}

// afl-showmap waits only ten seconds for its fork server, whatever option it gets; scripts/minimize
// sets this.
bool engine_forks() {
  return std::getenv("SIGSWEEP_PREPARE_LATE") == nullptr;
}

// AFL++'s driver takes a single option for a number of runs, and aborts.
bool engine_takes_options() {
  return false;
}

}  // namespace sigsweep::fuzz
