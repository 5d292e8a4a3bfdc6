// The work of a storm's signals: what each finds of the interrupted code, and what it does itself.
#pragma once

#include <cstdint>

namespace sigsweep::storm::coroutines {

// Installs the handlers of all sources, on the alternate stack or on the interrupted code's own;
// and one for faults.
void install_handlers(bool own_stack);

}  // namespace sigsweep::storm::coroutines
