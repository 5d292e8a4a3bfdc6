// Takes runs into a history.
#pragma once

#include "stress/host/history/history_file.h"
#include "stress/host/history/past_run.h"

namespace sigsweep {

enum class Taken { fresh, anew, was_there };
inline constexpr const char* kTakenNames[] = {"new", "anew", "was there"};

// All of a run, or nothing. A run that is there already, by its id, is not counted twice: one with
// other content takes its place, such as a night that went on. Throws Failure: kUsage for rows that
// are not as results/schema.json says.
Taken take(const PastRun& run, HistoryFile* history);

}  // namespace sigsweep
