// `sigsweep reproduce X`: what X is and does, and why. X is a schedule (*.sched); a finding's id,
// whose schedule lies below results/; or what an engine has found: an input of a fuzz target, or
// the text (*.txt) of one. Its target is that of the campaign in whose folder it lies, or --target's.
// `reproduce TARGET FILE` names the target of any file, a schedule too.
//
// A schedule without a target is replayed, and no more. An input is run in processes without an
// engine.
//
// It prints the input's schedule or text; what the target itself stops at, which may be more than a
// trial's verdict; and of a schedule what `sigsweep replay` prints. What bytes mean, and what the
// target stops at, depends on the environment that they were found in (fuzz/trial_target.h,
// fuzz/hazard_fuzzer.cc). A campaign has written the schedule of each finding beside it, as
// FILE.sched: that one is replayed where it is there; else it is written to results/reproduced.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// Status 1: the target stops at it, or a replay of it goes wrong. 3: the harness failed, in the
// target or in the replay.
int reproduce_command(const Options& options);

}  // namespace sigsweep
