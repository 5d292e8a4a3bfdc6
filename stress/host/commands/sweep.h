// `sigsweep sweep`: a signal at every boundary of every cell that the flags select.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int sweep_command(const Options& options);

}  // namespace sigsweep
