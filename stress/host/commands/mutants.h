// `sigsweep mutants`: what would the checks miss?
#pragma once

#include <CLI/CLI.hpp>

#include "stress/host/options.h"

namespace sigsweep {

void add_mutant_flags(CLI::App* app, Options* o);
// Exit status 1: a mutant survived.
int mutants_command(const Options& options);

}  // namespace sigsweep
