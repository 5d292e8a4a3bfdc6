// Rows to lines.
#include "stress/host/commands/fuzz_results.h"

#include <nlohmann/json.hpp>

#include "stress/host/commands/run_row.h"

namespace sigsweep {

void write_run(ResultsWriter* results, const Options& options) {
  results->write(run_row(options));
}

void write_row(ResultsWriter* results, const nlohmann::ordered_json& row) {
  // What is no UTF-8, as in a text that a target refuses, is replaced.
  results->write_line(row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace sigsweep
