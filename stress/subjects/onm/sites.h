// The Go subject's sites, from the rows of callsites.def.
#pragma once

#include <vector>

#include "stress/subject/subject.h"
#include "stress/subjects/onm/callsites.h"

namespace sigsweep::onm {

// One for each Started, in the same order. They refer to each other: move them, never copy them.
std::vector<Site> make_sites();

// Does the operation of this row return to its caller?
bool comes_back(const Row& row);

}  // namespace sigsweep::onm
