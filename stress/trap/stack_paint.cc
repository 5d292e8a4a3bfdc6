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

// Some libraries keep a guard word at a stack's end, and look whether it is still there. No signal
// comes that far down. The first word above it that is zero; `lo` if there is no guard.
std::uint64_t above_guard(std::uint64_t lo, std::uint64_t hi) {
  constexpr std::uint64_t kMostGuard = 64;  // bytes
  const std::uint64_t end = hi - lo < kMostGuard ? hi : lo + kMostGuard;
  for (std::uint64_t at = lo; at < end; at += sizeof(std::uint64_t)) {
    if (raw_load<std::uint64_t>(as_pointer<void>(at), 0) == 0) return at;
  }
  return lo;
}

}  // namespace

void StackPaint::attach(std::span<const Region> stacks) {
  count_ = 0;
  for (const Region& region :
       stacks.first(stacks.size() < kMostStacks ? stacks.size() : kMostStacks)) {
    const std::uint64_t lo = as_address(region.at), hi = lo + region.size;
    const std::uint64_t floor = above_guard(lo, hi), lowest = first_other(floor, hi, 0);
    raw_paint(floor, lowest);
    stacks_[count_++] = Stack{lo, hi, floor, lowest};
  }
}

void StackPaint::attach_anew(const Region& stack) {
  const std::uint64_t lo = as_address(stack.at), hi = lo + stack.size;
  raw_paint(lo, hi);
  stacks_[0] = Stack{lo, hi, lo, hi};
  count_ = 1;
}

void StackPaint::look() {
  for (unsigned i = 0; i < count_; i++) {
    stacks_[i].lowest = first_other(stacks_[i].floor, stacks_[i].lowest, kStackPaint);
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

bool StackPaint::is_in_stack(std::uint64_t sp) const {
  for (unsigned i = 0; i < count_; i++) {
    if (sp > stacks_[i].lo && sp <= stacks_[i].hi) return true;  // SP at hi is an empty stack
  }
  return false;
}

void StackPaint::forget_poison_below(std::uint64_t frame) const {
  for (unsigned i = 0; i < count_; i++) {
    if (frame > stacks_[i].lo && frame <= stacks_[i].hi) unpoison(stacks_[i].lo, frame);
  }
}

}  // namespace sigsweep::trap
