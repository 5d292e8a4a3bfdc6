// The work of a storm's signals in an M: a handler's call by the protocol, counted and checked.
#pragma once

namespace sigsweep::storm::go {

// Installs the handlers of all sources, and the hook that resumes a rejected call.
void install_handlers();

}  // namespace sigsweep::storm::go
