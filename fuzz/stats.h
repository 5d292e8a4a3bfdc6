// What a target has done, for a watcher of its campaign: counters in a file. The file outlives a
// process that ends by a finding. The environment names the place: SIGSWEEP_STATS, a folder; a file
// a process.
#pragma once

#include <span>

#include "stress/base/fuzz_counters.h"

namespace sigsweep::fuzz {

// The counters of this process: in the file, or in memory where none is asked for. A folder that
// can't be written ends the process with status 2.
Stats& stats();
// Gives the first of Stats::own these names. REQUIRES: they have room there.
void name_figures(std::span<const char* const> names);

}  // namespace sigsweep::fuzz
