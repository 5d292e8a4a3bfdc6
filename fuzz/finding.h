// What a fuzz target says of the trial that it stops at: a schedule that replays.
#pragma once

#include <string>

#include "stress/runner/trial.h"

namespace sigsweep::fuzz {

// The trial of `plan`, whose injection is at `boundary`, by names. All arguments are given; `seed`
// is what they were drawn from.
Schedule schedule_of(const Plan& plan, std::uint64_t seed, const Boundary& boundary,
                     const Judgement& judgement);

// "TARGET: WHY", the schedule between marker lines, and how to replay it.
std::string finding_text(std::string_view target, const std::string& why, const Schedule& schedule);

}  // namespace sigsweep::fuzz
