// The cost of the runtime's calls, each on the stack and with the g that it is for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/runtime.h"

namespace sigsweep::onm {

std::span<const std::string_view> benchmark_names();
// Runs `rounds` rounds of one of them on mp.
void run_benchmark(unsigned index, std::uint64_t rounds, runtime::M* mp);

}  // namespace sigsweep::onm
