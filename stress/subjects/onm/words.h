// Names for the words of an M and its Gs, for reports.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/runtime.h"

namespace sigsweep::onm {

// "g1.sched.sp", "m.curg"; empty: the address is none of these words'.
std::string name_of_word(const runtime::M* m, std::uint64_t address);

}  // namespace sigsweep::onm
