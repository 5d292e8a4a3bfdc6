// `sigsweep minimize`: the smallest set of inputs that shows all that those given show, by
// libFuzzer's -set_cover_merge or afl-cmin; with --keep N the N of them that together reach most
// phases and edges become the schedules in corpus/fuzz/TARGET: of those of at most 300 bytes whose
// readable form is plain text.
#pragma once

#include "stress/host/options.h"

namespace sigsweep {

// What is made anew takes the place of what was there once it is whole.
int minimize_command(const Options& options);

}  // namespace sigsweep
