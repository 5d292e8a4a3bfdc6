// `sigsweep history`: nights and runs in one file, and one of them against another.
#pragma once

#include <CLI/App.hpp>

#include "stress/host/options.h"

namespace sigsweep {

void add_history_flags(CLI::App* app, Options* options);
int history_command(const Options& options);

}  // namespace sigsweep
