// `sigsweep replay FILE...`: runs schedules and holds each verdict against the one that the file
// expects.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int replay_command(const Options& options);

}  // namespace sigsweep
