// An adapter's library as a storm's workload: on each thread coroutines of its own.
#pragma once

#include "stress/storm/workload.h"
#include "stress/subjects/adapter/adapter.h"

namespace sigsweep::storm::coroutines {

// Loads the adapter and chooses its code. Empty, or what is wrong, and *status: 2 the adapter is, 3
// the library failed. Once.
std::string open_adapter(const std::string& path, int* status);

// REQUIRES: open_adapter() went well.
Workload* workload();

}  // namespace sigsweep::storm::coroutines
