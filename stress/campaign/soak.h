// Many contained trials in random order in one process: does any verdict ever change? Leftovers of
// one trial would show in another's verdict.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "stress/campaign/traces.h"

namespace sigsweep {

struct SoakRequest {
  std::vector<unsigned> protocols, sites, handlers;
  std::uint64_t rounds = 0;
  std::uint64_t seed = 0;
};

struct SoakResult {
  std::uint64_t points = 0;  // boundaries of all cells, each tried once before the random rounds
  std::uint64_t trials = 0, landed = 0;  // of the random rounds
  std::uint64_t changes = 0;
  std::string first_change;  // what changed into what, and where
  std::string problem;       // of the harness
};

// Calls `report(done)` now and then.
SoakResult run_soak(const SoakRequest& request, Traces& traces,
                    const std::function<void(std::uint64_t)>& report);

}  // namespace sigsweep
