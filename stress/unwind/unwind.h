// A backtrace from a signal's handler, as a profiler or a crash reporter takes it: through the
// signal's frame into the interrupted code, and on to the end. Both walks are async-signal-safe
// after prepare().
#pragma once

#include <ucontext.h>

#include "stress/unwind/grader.h"

namespace sigsweep::unwind {

// Before the first walk, outside any handler: notes where code lies now, and lets the unwinder do
// what it does only once.
void prepare();

// By call frame information: libgcc's unwinder, from the calling function on. `interrupted`: the
// context of the signal.
Walk by_call_frames(const ucontext_t* interrupted, const Subject& subject,
                    std::span<const KnownFrame> known);

// By the chain of frame pointers alone, from the interrupted code on. It reads nothing outside the
// subject's stacks, so it cannot crash.
Walk by_frame_pointers(const ucontext_t* interrupted, const Subject& subject,
                       std::span<const KnownFrame> known);

}  // namespace sigsweep::unwind
