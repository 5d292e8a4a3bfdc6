// What results tell of the code under test, so that a reader of them needs nothing else.
#pragma once

#include "stress/host/options.h"
#include "stress/host/results.h"

namespace sigsweep {

// Rows `protocol`, `stub` and `word` of the session's subject; the protocols are those that --protocol
// selects.
void write_subject(const Session& session, ResultsWriter* writer);

}  // namespace sigsweep
