// What a target has done, for whoever watches a campaign: counters in a file that outlives a
// process which ends by a finding. The environment says where: SIGSWEEP_STATS, a folder; a file a
// process.
#pragma once

#include "stress/base/fuzz_counters.h"

namespace sigsweep::fuzz {

// The counters of this process: in the file, or in memory where none is asked for. A folder that
// can't be written ends the process with status 2.
Stats& stats();

}  // namespace sigsweep::fuzz
