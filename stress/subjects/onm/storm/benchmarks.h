// The cost of the scheduler and the heap, on one M and without signals: for `sigsweep bench`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sigsweep::storm::go {

std::vector<std::string_view> benchmark_names();

// ns that so many rounds of a benchmark took; negative: no benchmark has that name. REQUIRES: no
// storm in this process.
double run_benchmark(std::string_view name, std::uint64_t rounds);

}  // namespace sigsweep::storm::go
