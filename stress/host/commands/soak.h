// `sigsweep sweep --random N`: N contained trials in random order in one runner, each held against
// the verdict that its boundary had first.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int soak_command(const Session& session);

}  // namespace sigsweep
