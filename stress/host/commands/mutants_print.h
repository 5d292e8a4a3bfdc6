// The text of `sigsweep mutants`.
#pragma once

#include <string>
#include <vector>

#include "stress/host/claims.h"
#include "stress/host/mutants/mutant_run.h"

namespace sigsweep {

// A line: the place, the change, and what became of it.
std::string mutant_line(const MutantResult& result);
// Counts, seconds by stage, and how many mutants make each claim and each verdict fire.
std::string mutants_summary(const std::vector<MutantResult>& results, const ClaimBook& book,
                            const std::string& isa);

}  // namespace sigsweep
