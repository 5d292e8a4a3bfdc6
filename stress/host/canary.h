// A canary: a protocol that the subject itself names as bad, tried beside the others and in the same
// way. It is no claim. A harness that does not find what is wrong with it is blind, and proves
// nothing.
#pragma once

#include "stress/host/options.h"
#include "stress/host/storm_run.h"
#include "stress/host/sweep_plan.h"

namespace sigsweep {

// One cell of it, with the source and the containment of that plan; and a storm of a tenth of a
// second, or, if it finds nothing, ever longer ones. Prints a line. Does nothing where the subject
// names none, or where the plan promises nothing that a signal could break. Throws
// Failure(kHarnessFailed) where nothing was found.
void check_canary(const Session& session, const SweepPlan& plan);
void check_canary(const Session& session, const StormPlan& plan);

}  // namespace sigsweep
