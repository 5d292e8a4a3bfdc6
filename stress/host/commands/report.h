// `sigsweep report`: results as a page.
#pragma once

#include <filesystem>

#include "stress/host/options.h"

namespace sigsweep {

// `sigsweep report PATH... --html FILE`. Throws Failure: kUsage for a path that holds no results,
// kHarnessFailed where the page cannot be made.
int report_command(const Options& options);

inline constexpr const char* kPageFile = "report.html";
// The page of a run, beside its results. Of `results` those that are not there are left out. Where it cannot be made, standard error says why, and the
// run's status stays what it is.
void write_page_beside(std::vector<std::string> results, const std::filesystem::path& folder);

}  // namespace sigsweep
