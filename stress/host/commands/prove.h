// `sigsweep prove`: the claims of claims.def, each with its evidence.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int prove_command(const Options& options);

}  // namespace sigsweep
