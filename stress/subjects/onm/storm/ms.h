// The Go subject as a storm's workload: each thread is an M, each task a G.
#pragma once

#include "stress/storm/workload.h"

namespace sigsweep::storm::go {

Workload* workload();

}  // namespace sigsweep::storm::go
