// Painting stacks. Built without instrumentation: a sanitizer may hold the frames for poisoned.
#include "stress/trap/stack_paint.h"

#include "stress/base/raw_memory.h"
#include "stress/trap/arch.h"
#include "stress/trap/sanitizer.h"

namespace sigsweep::trap {
namespace {

// The first word from `at` on that does not hold `pattern`; `end` if there is none. REQUIRES: both
// are aligned.
std::uint64_t first_other(std::uint64_t at, std::uint64_t end, std::uint64_t pattern) {
  while (at < end && raw_load<std::uint64_t>(as_pointer<void>(at), 0) == pattern) {
    keep_as_loop();
    at += sizeof pattern;
  }
  return at;
}

}  // namespace

void StackPaint::attach(std::span<const Region> stacks) {
  count_ = 0;
  for (const Region& region :
       stacks.first(stacks.size() < kMostStacks ? stacks.size() : kMostStacks)) {
    const std::uint64_t lo = as_address(region.at), hi = lo + region.size;
    const std::uint64_t lowest = first_other(lo, hi, 0);
    raw_paint(lo, lowest);
    stacks_[count_++] = Stack{lo, hi, lowest};
  }
}

void StackPaint::attach_anew(const Region& stack) {
  const std::uint64_t lo = as_address(stack.at), hi = lo + stack.size;
  raw_paint(lo, hi);
  stacks_[0] = Stack{lo, hi, hi};
  count_ = 1;
}

void StackPaint::look() {
  for (unsigned i = 0; i < count_; i++) {
    stacks_[i].lowest = first_other(stacks_[i].lo, stacks_[i].lowest, kStackPaint);
  }
}

__attribute__((noinline)) bool StackPaint::overwrite(std::uint64_t sp, std::uint64_t end) const {
  const std::uint64_t here = current_sp() - kRedZone;
  for (unsigned i = 0; i < count_; i++) {
    const Stack& stack = stacks_[i];
    if (sp <= stack.lo || sp > stack.hi) continue;  // SP at hi is an empty stack
    const bool same = here > stack.lo && here <= stack.hi;
    const std::uint64_t to = same && here < end ? here : end;
    if (stack.lowest < to) raw_paint(stack.lowest, to);
    return same;
  }
  return false;
}

void StackPaint::forget_poison_below(std::uint64_t frame) const {
  for (unsigned i = 0; i < count_; i++) {
    if (frame > stacks_[i].lo && frame <= stacks_[i].hi) unpoison(stacks_[i].lo, frame);
  }
}

}  // namespace sigsweep::trap
