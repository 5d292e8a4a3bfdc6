// `sigsweep storm`: a storm, its page, and the way of its violations back into the exact lane.
#pragma once

#include <string>

#include "stress/host/options.h"
#include "stress/host/storm_run.h"

namespace sigsweep {

// The table: what was sent and arrived, the confusion matrix, what it cost.
std::string render_storm(const StormResult& result);

// "500ms", "10s", "2m" or plain seconds, in seconds. Throws Failure(kUsage).
double parse_duration(const std::string& text);

int storm_command(const Options& options);

}  // namespace sigsweep
