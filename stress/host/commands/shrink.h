// `sigsweep shrink FILE --out DIR`: the smallest schedule that shows the same finding.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

int shrink_command(const Options& options);

}  // namespace sigsweep
