// Rows of a results file that the commands of fuzz targets write (results/schema.json).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "stress/host/options.h"
#include "stress/host/results.h"

namespace sigsweep {

void write_run(ResultsWriter* results, const Options& options);  // the first row
void write_row(ResultsWriter* results, const nlohmann::ordered_json& row);

}  // namespace sigsweep
