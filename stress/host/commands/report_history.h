// What a page tells of a history, and the ratios of benchmarks. A build without SQLite has neither.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stress/host/page/page_model.h"

namespace sigsweep {

// Rows past_run, part, past_finding, contrasted and contrast, and the ratios of each run, up to the
// night that is shown: what came later is no part of it.
struct HistoryOnPage {
  std::vector<nlohmann::ordered_json> rows;
  std::vector<PageRatio> ratios;
  PageHistory place;
};
// Rows `contrast` of one kind and subject that a page holds. Its row `contrasted` counts all.
inline constexpr std::size_t kMostContrasts = 50;
// `night`: the id of the night that the page shows; empty: the youngest. Throws Failure, as every
// reader of a history does.
HistoryOnPage history_on_page(const std::filesystem::path& path, const std::string& night);

// The ratios of the processes of one run. `runs`: JSON of `sigsweep bench`, one a file; others are
// passed over.
std::vector<PageRatio> ratios_of_runs(const std::vector<std::filesystem::path>& runs);

}  // namespace sigsweep
