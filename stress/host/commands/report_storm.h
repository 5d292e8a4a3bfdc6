// `sigsweep report FILE... --markdown FILE`: the stress report.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// Writes the report and, beside it, its charts; prints the report. kAsExpected where every storm is as
// promised, and every figure that must hold does; else kFinding. Throws Failure(kUsage) for files
// that have no storm.
int report_storm(const Options& options);

}  // namespace sigsweep
