// The first row of a results file: where its other rows come from.
#pragma once

#include "stress/host/options.h"
#include "stress/host/results.h"

namespace sigsweep {

RunRow run_row(const Options& options);
// With the code under test.
RunRow run_row(const Session& session);

}  // namespace sigsweep
