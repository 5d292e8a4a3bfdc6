// `sigsweep history`: nights and runs in one file, and one of them against another.
#pragma once

#include <CLI/App.hpp>

#include "stress/host/options.h"

namespace sigsweep {

void add_history_flags(CLI::App* app, Options* options);
int history_command(const Options& options);

// For a command that has made a night: takes its folder into a history, and returns what `history
// compare` prints of it and the night before it. Where there is none, and in a build without the
// library, it is one line that says so. Throws Failure as `history import` does.
std::string take_night(const std::string& folder, const std::string& history_file);

}  // namespace sigsweep
