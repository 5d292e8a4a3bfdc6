// The byte form of a schedule: what the fuzzing engines change, and as lossless as the text form.
//
// Names are numbers, by their place in the catalog, so bytes belong to the subject that wrote them.
// Decoding is total: every byte string is a valid schedule. What is missing reads as 0, numbers are
// taken modulo what there is, and a list ends where its bytes do: short inputs are short schedules.
// Depends on the standard library only; not async-signal-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stress/runner/schedule.h"

namespace sigsweep {

// REQUIRES: the schedule is valid for the catalog (parse_schedule returned it).
std::vector<std::uint8_t> to_bytes(const Schedule& schedule, const Catalog& catalog);

// from_bytes(to_bytes(s)) == s. REQUIRES: the catalog has an isa, a protocol, a site and a handler.
Schedule from_bytes(std::span<const std::uint8_t> bytes, const Catalog& catalog);

}  // namespace sigsweep
