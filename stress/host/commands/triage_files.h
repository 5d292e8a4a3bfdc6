// The files that a triage is given, sorted by what can be asked about them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sigsweep {

// What triage is given: schedules, and what else targets have found or failed at: texts, and inputs
// that have no readable form yet.
struct TriageFiles {
  std::vector<std::filesystem::path> schedules, others;
  std::size_t folders = 0;  // of campaigns that were looked through
};

// Those below the paths. Throws Failure(kUsage) for a path that can't be read.
TriageFiles sorted_out(const std::vector<std::string>& paths);

// Was it a failure of the harness? A campaign's folder says so.
bool is_harness_failure(const std::filesystem::path& file);

}  // namespace sigsweep
