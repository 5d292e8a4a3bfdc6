// The results of the shards of one sweep, put together again.
#pragma once

#include <string>

#include "stress/host/options.h"

namespace sigsweep {

// `sigsweep merge FILE... --json OUT`: the shards of one run as the run that they are parts of.
// Comes to the status that they came to. The same shard twice is taken once, if both say the same.
// Refuses (status 2) a run of which shards are missing, two that differ, one of another run, and
// one that did not come to its end.
int merge_command(const Options& options);

}  // namespace sigsweep
