// `sigsweep prove`: the claims of the subject, each with its evidence.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int prove_command(const Options& options);

}  // namespace sigsweep
