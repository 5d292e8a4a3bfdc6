// `sigsweep report`: results as a page.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// `sigsweep report PATH... --html FILE`. Throws Failure: kUsage for a path that holds no results,
// kHarnessFailed where the page cannot be made.
int report_command(const Options& options);

}  // namespace sigsweep
