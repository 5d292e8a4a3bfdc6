// Mutants that nothing can tell from the original, by rules that are decided before anything runs.
// Each rule is a function over the disassembly; none is a list of places.
#pragma once

#include <cstdint>
#include <map>
#include <set>
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

// Words that nobody reads while a function runs, by its name: as offsets from the register that its
// stores count from. The subject says which (runner: `unread`).
using UnreadWords = std::map<std::string, std::set<std::int64_t>>;

// The rule by which the mutant of this function is equivalent; empty: none.
std::string equivalent_by(const ProgramCode& program, const ProgramCode::Function& function,
                          const Mutant& mutant, const UnreadWords& unread = {});

}  // namespace sigsweep
