// The request that sweep and throws share.
#pragma once

#include <string>

#include "stress/campaign/cell.h"
#include "stress/runner/command.h"

namespace sigsweep {

// From protocol= site= form= contain= inject= signal= seed= sample= no_red_zone=; does not read the
// handler. Empty, or the trouble.
std::string read_request(Runner& runner, const Record& command, CellRequest* request);

}  // namespace sigsweep
