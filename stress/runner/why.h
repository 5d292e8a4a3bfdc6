// Steps the trial of a bad verdict once more, and finds the instructions that made it what it is.
#pragma once

#include "stress/account/account.h"
#include "stress/campaign/resolve.h"
#include "stress/runner/command.h"

namespace sigsweep {

// Adds to the account of a trial whose verdict is not ok: why, and registers and slots at its end.
// `judgement`, `seen`: of the trial when it was run before.
void explain(Runner& runner, const Plan& plan, const Judgement& judgement, const Observation& seen,
             Account* account);

}  // namespace sigsweep
