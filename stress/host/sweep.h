// Sweeps: every boundary of every cell of a plan, in runners that may die.
#pragma once

#include "stress/host/options.h"
#include "stress/host/results.h"
#include "stress/host/sweep_plan.h"
#include "stress/host/sweep_result.h"

namespace sigsweep {

// Runs the plan with options.jobs runners. Each cell is written as it comes.
SweepResult sweep(const Session& session, const SweepPlan& plan, ResultsWriter* writer);

}  // namespace sigsweep
