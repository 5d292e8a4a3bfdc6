// The cost of each mechanism: the runner's side of `sigsweep bench`. This file measures the floors,
// the injections and the trials; the subject measures its own benchmarks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stress/campaign/traces.h"

namespace sigsweep {

struct Measured {
  double ns = 0;        // for all rounds; of processor time, unless it waits or has children
  std::string problem;  // why there is no measure, or none to believe; empty: it is good
};

// The names of the harness's benchmarks, the same for every subject.
std::vector<std::string_view> harness_benchmarks();

// Runs `rounds` rounds of the benchmark of that name. REQUIRES: the engine is attached.
Measured measure(std::string_view name, std::uint64_t rounds, Traces& traces);

}  // namespace sigsweep
