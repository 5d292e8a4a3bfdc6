// What a mechanism costs: the runner's side of `sigsweep bench`. The floors, the injections and the
// trials are measured here, the subject's own benchmarks by the subject.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stress/campaign/traces.h"

namespace sigsweep {

struct Measured {
  double ns = 0;        // for all rounds
  std::string problem;  // why it can't be measured, or is not to be believed; empty: it is
};

// The names of what is measured here, whatever the subject.
std::vector<std::string_view> harness_benchmarks();

// Runs `rounds` rounds of the benchmark of that name. REQUIRES: the engine is attached.
Measured measure(std::string_view name, std::uint64_t rounds, Traces& traces);

}  // namespace sigsweep
