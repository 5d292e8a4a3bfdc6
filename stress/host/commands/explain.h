// `sigsweep explain` and `sigsweep list`: what happens at each instruction, and what names there
// are.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int explain_command(const Options& options);
int list_command(const Options& options);

}  // namespace sigsweep
