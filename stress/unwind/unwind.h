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

// Both, from the calling function on, held against the frames that the subject knows and that of the
// operation's caller, which is the probe's: its registers hold what the probe loaded. `interrupted`:
// the context of the signal.
Backtrace take(const ucontext_t* interrupted, const Subject& subject, const trap::Probe& probe);

// By call frame information: libgcc's unwinder, from the calling function on.
Walk by_call_frames(const ucontext_t* interrupted, const Subject& subject,
                    std::span<const KnownFrame> known);

// By the chain of frame pointers alone, from the interrupted code on. It reads nothing outside the
// subject's stacks, so it cannot crash.
Walk by_frame_pointers(const ucontext_t* interrupted, const Subject& subject,
                       std::span<const KnownFrame> known);

}  // namespace sigsweep::unwind
