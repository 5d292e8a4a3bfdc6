// What a storm's signals do: a handler's call by the protocol, counted and checked.
#pragma once

#include "stress/storm/state.h"

namespace sigsweep::storm {

// Installs the handlers of all sources, and the hook that resumes a rejected call.
void install_handlers();

}  // namespace sigsweep::storm
