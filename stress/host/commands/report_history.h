// What a page tells of a history, and the ratios of benchmarks. A build without SQLite has neither.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stress/host/page/page_model.h"

namespace sigsweep {

// Rows past_run, part, past_finding, contrasted and contrast, and the ratios of each night.
struct HistoryOnPage {
  std::vector<nlohmann::ordered_json> rows;
  std::vector<PageRatio> ratios;
};
// Throws Failure, as every reader of a history does.
HistoryOnPage history_on_page(const std::filesystem::path& path);

// The ratios of the processes of one run. `runs`: JSON of `sigsweep bench`, one a file; others are
// passed over.
std::vector<PageRatio> ratios_of_runs(const std::vector<std::filesystem::path>& runs);

}  // namespace sigsweep
