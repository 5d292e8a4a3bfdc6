// The flags of the commands that run fuzz targets.
#pragma once

#include <string>

#include "stress/host/options.h"

namespace CLI {
class App;
}

namespace sigsweep {

// Those of the command called `app`'s name: campaign, minimize, triage or reproduce.
void add_fuzz_flags(CLI::App* app, Options* options);

}  // namespace sigsweep
