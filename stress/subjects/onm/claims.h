// The claims that `sigsweep prove` checks of the Go subject: the rows of claims.def.
#pragma once

#include "stress/subject/claims.h"

namespace sigsweep::onm {

extern const Claims kClaims;

}  // namespace sigsweep::onm
