// Steps a child by ptrace. Nothing of the child is disturbed: no trap of ours has a frame there, and
// a signal comes to it as it would without a tracer. Not async-signal-safe.
#pragma once

#include <sys/types.h>

#include "stress/base/code_ranges.h"
#include "stress/engine/step.h"

namespace sigsweep {

// In the child, before its trial: from here on its parent traces it, and it is killed if it takes
// too long. False: the machine does not allow it.
bool let_parent_step();

// In the parent. Runs the child to its first mark (Conditions::stepped), and steps it from there to
// the next one, where its operation is over. `code`: where a breakpoint is the trial's own, and no
// mark. `seen`: the trial's, in memory that both share. The child is gone afterwards.
SteppedTrial step_child(pid_t child, const CodeRanges& code, const Course& seen,
                        const StepTaker& taker);

}  // namespace sigsweep
