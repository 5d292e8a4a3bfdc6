// `sigsweep campaign`: one campaign of a fuzzing engine on a target, from the seeds in
// corpus/seeds/TARGET and corpus/fuzz/TARGET and the inputs in DIR/corpus.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// Status 1: something was found. 3: nothing ran, nothing landed, nothing was added to the seeds
// (but with --expect work), the last quarter ran at less than a tenth of the rate of the best, the
// disk was full, or a process died of what its last input does not show alone (but where the target
// says that an input may leave such behind).
int campaign_command(const Options& options);

}  // namespace sigsweep
