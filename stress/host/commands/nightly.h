// `sigsweep nightly --budget D`: all that there is to do in a night, within a time.
#pragma once

#include <CLI/App.hpp>

#include "stress/host/options.h"

namespace sigsweep {

void add_nightly_flags(CLI::App* app, Options* options);
// Status 1: a finding that corpus/known.txt does not acknowledge. 3: a part failed, hung, was not
// built, did no work, or had no time. 4: stopped; --resume goes on.
int nightly_command(const Options& options);

}  // namespace sigsweep
