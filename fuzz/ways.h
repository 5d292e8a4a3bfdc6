// The ways of the subject's operations and handlers: those that the program keeps (kept_ways.h), and
// the others, each recorded when it is first asked for.
#pragma once

#include <string>

#include "fuzz/way.h"
#include "stress/campaign/traces.h"
#include "stress/schedule/schedule_bytes.h"

namespace sigsweep::fuzz {

class Ways {
 public:
  explicit Ways(Engine& engine) : traces_(engine) {}

  // Takes over those that the program keeps. Empty, or what is wrong.
  std::string take_kept();
  // Empty, or what is wrong with the harness. REQUIRES: the engine is attached.
  std::string of_operation(unsigned protocol, unsigned site, const Way** out);
  std::string of_handler(unsigned protocol, unsigned handler, const Way** out);

  const WayMap& all() const { return ways_; }
  // Full traces, for what a way does not tell.
  Traces* traces() { return &traces_; }

 private:
  template <class Take>
  std::string find(WayKey key, const Take& take, const Way** out);

  Traces traces_;
  WayMap ways_;
};

// The name and the phase of a spot. REQUIRES: it is one of the phase's.
Grounds::Place place_of(const PhaseOfWay& phase, const Spot& spot);

}  // namespace sigsweep::fuzz
