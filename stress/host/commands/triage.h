// `sigsweep triage FILE|FOLDER...`: what campaigns have found, one line a cause.
//
// Schedules (*.sched) are shrunk, grouped by cause (protocol, site, phase and verdict), and the
// smallest of a group is replayed. What a target stops at that is more than a trial's verdict, or
// whose inputs are no schedules, is asked of the target. Writes to DIR (results/triage): ID.sched;
// regressions/ID.sched or hazards/ID.sched, a draft of what to keep in corpus/; and summary.txt,
// which it also prints.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// Status 0: nothing was found, or all of it is acknowledged. 3: a schedule shows nothing here, or
// the harness failed at one.
int triage_command(const Options& options);

}  // namespace sigsweep
