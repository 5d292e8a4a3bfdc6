// How a night's time is divided: each part has its least, and a share of the rest by its weight.
#pragma once

#include <string>
#include <vector>

#include "stress/host/nightly/part_spec.h"

namespace sigsweep {

// Seconds at a night's end for its summary and its history.
inline constexpr unsigned kReserve = 10;

// Processors that a part of this width uses, of so many.
unsigned processors_of(Width width, unsigned processors);

// Seconds of the whole machine: a part that leaves a half to another counts half.
double machine_seconds(const PartSpec& part, double seconds, unsigned processors);

// The least budget, in seconds, with which every part can do its work.
unsigned least_budget(const std::vector<PartSpec>& parts, unsigned processors);

// The seconds that one part gets, if so many of the whole machine are left for it and for all that
// are still to begin. REQUIRES: `part` is one of `waiting`.
double share_of(const PartSpec& part, const std::vector<const PartSpec*>& waiting, double left,
                unsigned processors);

// "90s", "10m", "8h" in seconds. Throws Failure(kUsage), with what is allowed.
unsigned parse_budget(const std::string& text);
// The same back: "9m50s".
std::string budget_text(unsigned seconds);

}  // namespace sigsweep
