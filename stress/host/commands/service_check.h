// `sigsweep service-check`: would OSS-Fuzz and ClusterFuzzLite take the fuzz targets? Their check
// of bad builds, and a little more. It builds nothing: scripts/oss_fuzz_check does, by what
// --plan and --environment print.
#pragma once

#include <CLI/App.hpp>

#include "stress/host/options.h"

namespace sigsweep {

void add_service_flags(CLI::App* app, ServiceFlags* flags);
int service_check_command(const Options& options);

}  // namespace sigsweep
