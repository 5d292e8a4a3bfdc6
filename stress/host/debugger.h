// Source `external`: a debugger breaks at the boundary and sends the signal itself. No patch of
// ours, no trap flag: a confirmation that shares no mechanism with the others.
#pragma once

#include "stress/host/options.h"
#include "stress/runner/schedule.h"

namespace sigsweep {

// Runs the schedule under gdb and returns the runner's account of its last operation, or of the
// first that was not ok. Throws Failure: kUsage where the schedule asks for what gdb can't do,
// kSkipped where there is no gdb, kHarnessFailed.
Record replay_under_debugger(const Session& session, const Schedule& schedule,
                             const std::string& path);

}  // namespace sigsweep
