// How much of each stack has been written, and what a signal destroys below the stack pointer.
//
// A stack's unused part holds one pattern. The lowest word without it tells how much was ever used.
// All memory below the red zone of interrupted code belongs to the signal. So each landing
// overwrites the part that was ever used, whether or not the kernel's frame lies there. Words below
// that were never written, so no code can miss them.
#pragma once

#include <cstdint>
#include <span>

#include "stress/base/region.h"

namespace sigsweep::trap {

class StackPaint {
 public:
  static constexpr unsigned kMostStacks = 16;

  // Paints the part of these stacks that was never used: it is zero there. REQUIRES: nothing runs
  // on them.
  void attach(std::span<const Region> stacks);
  // One stack, painted as a whole. REQUIRES: nothing of it is in use.
  void attach_anew(const Region& stack);
  // Notes how deep each stack has been written by now. Async-signal-safe; takes some microseconds.
  void look();
  // Overwrites the part below `end` that was ever used, in the stack that `sp` lies in, but spares
  // the caller's frames. Returns whether the caller stands on that stack, too. Async-signal-safe.
  bool overwrite(std::uint64_t sp, std::uint64_t end) const;

  // Does `sp` lie in one of them? Async-signal-safe.
  bool is_in_stack(std::uint64_t sp) const;

  // Frames that a switch has left behind may have put a sanitizer's poison where a signal's handler has its variables
  // now. `frame`: the signal's. Async-signal-safe.
  void forget_poison_below(std::uint64_t frame) const;

  unsigned count() const { return count_; }
  std::size_t size(unsigned stack) const {
    return static_cast<std::size_t>(stacks_[stack].hi - stacks_[stack].lo);
  }
  // The most bytes that were ever used, as look() has seen it.
  std::size_t used(unsigned stack) const {
    return static_cast<std::size_t>(stacks_[stack].hi - stacks_[stack].lowest);
  }

 private:
  struct Stack {
    std::uint64_t lo, hi;
    std::uint64_t floor;   // a guard of the library's lies below it, and is left alone
    std::uint64_t lowest;  // between these two everything is paint
  };
  Stack stacks_[kMostStacks] = {};
  unsigned count_ = 0;
};

}  // namespace sigsweep::trap
