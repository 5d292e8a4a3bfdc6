// The parts of a night: one row a kind of part, and a part for each of what the row is for.
#pragma once

#include <string>
#include <vector>

#include "stress/host/nightly/part_spec.h"

namespace sigsweep {

// What there is to make parts for.
struct NightSubjects {
  std::string preset;                  // the build that the command is of
  std::vector<std::string> targets;    // fuzz targets
  std::vector<std::string> schedules;  // files that corpus/ keeps
};

std::vector<PartSpec> night_table(const NightSubjects& subjects);

// The parts that --only names, by their names or by what stands in front of a dash: fuzz means all
// campaigns. Throws Failure(kUsage), with what is allowed, for a name that no part has.
std::vector<PartSpec> only_those(const std::vector<PartSpec>& parts,
                                 const std::vector<std::string>& names);

// What must be built for the parts, as lines PRESET TARGET....
std::string needs_of(const std::vector<PartSpec>& parts);

}  // namespace sigsweep
