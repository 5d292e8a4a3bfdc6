// Which boundary of one build is which of another.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stress/schedule/phase.h"

namespace sigsweep {

// What of a boundary holds from build to build.
struct BoundaryIdentity {
  std::string symbol;
  Phase phase;
  std::string instruction;
};

struct BoundaryPair {
  std::optional<std::size_t> before, now;  // indices; none: gone, or new
  bool operator==(const BoundaryPair&) const = default;
};

// The boundaries of one operation, each list in the order of its trace. First come those of the
// same symbol and phase. Where a head has not the same #n on both sides, one instruction was put in
// or taken out and all #n behind it have moved: there the instructions tell, and then the #n. What
// is left is paired by its order within the symbol. The pairs are in the order of `now`, and those
// that are gone come last.
std::vector<BoundaryPair> match_boundaries(const std::vector<BoundaryIdentity>& before,
                                           const std::vector<BoundaryIdentity>& now);

}  // namespace sigsweep
