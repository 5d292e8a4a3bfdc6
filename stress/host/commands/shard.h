// Shards of one sweep, and putting their results together again.
#pragma once

#include <string>

#include "stress/host/options.h"

namespace sigsweep {

// One of `count` parts of a run, counted from 1.
struct Shard {
  unsigned index = 1;
  unsigned count = 1;
};

// "i/n". Throws Failure(kUsage).
Shard parse_shard(const std::string& text);

// `sigsweep merge FILE... --json OUT`: the shards of one run as the run that they are parts of.
// Comes to the status that they came to. Refuses (status 2) a missing one, a doubled one, one of
// another run, and one that did not come to its end.
int merge_command(const Options& options);

}  // namespace sigsweep
