// `sigsweep adapter`: for the author of a switch. `new` prints an adapter to start from; `check FILE`
// says what sigsweep sees of a library, without a signal.
#pragma once

#include <CLI/App.hpp>

#include "stress/host/options.h"

namespace sigsweep {

void add_adapter_flags(CLI::App* app, Options* options);
int adapter_command(const Options& options);

}  // namespace sigsweep
