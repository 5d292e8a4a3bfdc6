// Mutants that nothing can tell from the original, by rules that are decided before anything runs.
// Each rule is a function over the disassembly; none is a list of places.
#pragma once

#include <string>
#include <vector>

#include "stress/host/mutants/mutation.h"

namespace sigsweep {

struct EquivalenceRule {
  const char* name;
  const char* reason;
};
// For the summary and the docs.
std::vector<EquivalenceRule> equivalence_rules();

// The rule by which the mutant of this function is equivalent; empty: none.
std::string equivalent_by(const ProgramCode& program, const ProgramCode::Function& function,
                          const Mutant& mutant);

}  // namespace sigsweep
