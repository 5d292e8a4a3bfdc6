// A night for other programs: its parts and claims as cases, its causes as findings.
#pragma once

#include <filesystem>

#include "stress/host/report.h"

namespace sigsweep {

// Gives the builder the rows of a night's folder: its own (run, part, end), and from the results of
// its parts claims and findings. A cause that only a campaign has found becomes a finding, too. A
// cell or a storm is evidence of its part, and no case. REQUIRES: the night is not at work.
void report_night(const std::filesystem::path& folder, ReportBuilder* report);

}  // namespace sigsweep
