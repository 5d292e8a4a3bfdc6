// What a history tells, as rows of results/schema.json.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "stress/host/history/compare_runs.h"
#include "stress/host/history/query.h"

namespace sigsweep {

nlohmann::ordered_json json_of(const StoredRun& run);           // past_run
nlohmann::ordered_json json_of(const StoredFinding& finding);   // past_finding
nlohmann::ordered_json json_of(const ContrastRow& row);         // contrast
nlohmann::ordered_json sums_json(const RunContrast& contrast);  // contrasted

}  // namespace sigsweep
