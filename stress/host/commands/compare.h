// `sigsweep compare OLD NEW`: did a change make it worse?
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// Status: 0 nothing is worse; 1 something is. Throws Failure(kUsage) for files that cannot be
// compared.
int compare_command(const Options& options);

}  // namespace sigsweep
