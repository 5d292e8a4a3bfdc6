// Frames on the alternate stack that others may overwrite meanwhile.
//
// Traps on the alternate stack begin at its top once a handler has switched to another stack: over the
// signal's own frame, and those of its handler.
#pragma once

#include "stress/base/raw_memory.h"
#include "stress/base/region.h"

namespace sigsweep {

inline constexpr std::size_t kTrapNeeds = 4096;  // bytes of stack, beside the kernel's frame

// Calls work() from a frame below `lowest`, and puts the stack from there on back as it was.
// Async-signal-safe; not twice at a time. REQUIRES: the caller's frame goes down to `lowest`.
// CAVEAT: while work() runs, nothing of the caller's frame may be used. So it comes by value.
template <class Work>
__attribute__((noinline)) void with_frames_kept(const Region& stack, std::uint64_t lowest,
                                                Work work) {
  static unsigned char kept[32 * 1024];
  const std::uint64_t size = as_address(stack.at) + stack.size - lowest;
  const bool is_there = lowest - as_address(stack.at) < stack.size && size <= sizeof kept;
  void* const frames = as_pointer<void>(lowest);
  if (is_there) raw_copy(kept, frames, static_cast<std::size_t>(size));
  work();
  if (is_there) raw_copy(frames, kept, static_cast<std::size_t>(size));
}

}  // namespace sigsweep
