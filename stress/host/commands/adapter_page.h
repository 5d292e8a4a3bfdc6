// What a sweep of an adapter came to, in plain words: what was promised, and what was only observed.
#pragma once

#include <string>

#include "stress/host/options.h"
#include "stress/host/sweep_result.h"

namespace sigsweep {

// REQUIRES: the session has an adapter.
std::string adapter_page(const Session& session, const SweepResult& result);

// What a results file says of it.
std::optional<AdapterRow> adapter_row(const Session& session);

}  // namespace sigsweep
