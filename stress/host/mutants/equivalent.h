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

// What nobody reads while a function runs. The subject says so (runner: `unread`).
struct Unread {
  std::set<std::int64_t> words;          // as offsets from the register that its stores count from
  std::set<std::string> registers = {};  // what it calls does not read them
};
using UnreadBy = std::map<std::string, Unread>;  // by the function's name

// The rule by which the mutant of this function is equivalent; empty: none.
std::string equivalent_by(const ProgramCode& program, const ProgramCode::Function& function,
                          const Mutant& mutant, const UnreadBy& unread = {});

}  // namespace sigsweep
