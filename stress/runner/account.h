// The account of a trial: everything that is told of it, as one record for the host.
#pragma once

#include <span>

#include "stress/base/wire.h"
#include "stress/campaign/cell.h"

namespace sigsweep {

// The trial that has just been run. boundaries[i]: where injection i was to land. What there is
// once for each injection has its number behind the key from the second on: symbol, symbol2.
Record account_of(const char* word, const Plan& plan, std::span<const Boundary* const> boundaries,
                  const TrialResult& ran, const Judgement& judgement);

// A boundary by itself; `suffix` goes behind each key.
void add_boundary(Record* record, const Boundary& boundary, const std::string& suffix = "");

}  // namespace sigsweep
