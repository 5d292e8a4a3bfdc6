// `sigsweep bench`: what the mechanism costs, by Google Benchmark. The runner times; the host
// reports.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int bench_command(const Options& options);

}  // namespace sigsweep
