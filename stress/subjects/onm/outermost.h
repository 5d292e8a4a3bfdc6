// The frames at which a backtrace may end because nobody has called what runs there.
#pragma once

#include <span>

#include "runtime/runtime.h"
#include "stress/subject/backtrace.h"

namespace sigsweep::onm {

// In mcall, at the top of g0's stack, where a G was put away; and in goexit, at the top of each G's
// stack, where gogo began it. SIGNAL. Returns the count.
unsigned outermost_frames(const runtime::M* m, std::span<KnownFrame> out);

}  // namespace sigsweep::onm
