// From the engine's observation to its account, in the subject's names.
#pragma once

#include <span>

#include "stress/account/account.h"
#include "stress/runner/command.h"

namespace sigsweep {

// A trial. `judgement`: of this run, or of the same trial when it was run first. Fields that only
// one command knows stay unset. boundaries[i]: where injection i was to land.
Account account_of(const Subject& subject, const Plan& plan,
                   std::span<const Boundary* const> boundaries, const TrialResult& ran,
                   const Judgement& judgement);

BoundaryAccount account_of(const Subject& subject, const Boundary& boundary);

}  // namespace sigsweep
