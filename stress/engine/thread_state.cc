// By direct system calls: a sanitizer's wrappers are not async-signal-safe.
#include "stress/engine/thread_state.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "stress/base/raw_memory.h"

namespace sigsweep {
namespace {

constexpr std::uint64_t kKernelSigset = sizeof(std::uint64_t);  // bytes of the kernel's signal mask

// Sets the mask, and returns the old one.
std::uint64_t exchange_mask(std::uint64_t mask) {
  std::uint64_t before = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, kKernelSigset);
  return before;
}

}  // namespace

ThreadState::ThreadState() {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &mask_, kKernelSigset);
  syscall(SYS_sigaltstack, nullptr, &stack_);
}

bool ThreadState::is_normal(const stack_t& stack) const {
  return stack.ss_sp == stack_.ss_sp && stack.ss_size == stack_.ss_size;
}

void ThreadState::note(const ucontext_t* uc) {
  std::uint64_t mask = 0;
  raw_copy(&mask, &uc->uc_sigmask, sizeof mask);
  if (mask != mask_ || !is_normal(uc->uc_stack)) noted_change_ = true;
}

bool ThreadState::restore() {
  const bool same_mask = exchange_mask(mask_) == mask_;
  stack_t stack{};
  syscall(SYS_sigaltstack, nullptr, &stack);
  const bool same_stack = is_normal(stack);
  if (!same_stack) syscall(SYS_sigaltstack, &stack_, nullptr);
  const bool noted = std::exchange(noted_change_, false);
  return same_mask && same_stack && !noted;
}

const char* ThreadState::restore_after(bool to_its_end) {
  const bool same_mask = exchange_mask(mask_) == mask_;
  if (!to_its_end) return nullptr;
  stack_t stack{};
  syscall(SYS_sigaltstack, nullptr, &stack);
  if (!is_normal(stack)) {
    syscall(SYS_sigaltstack, &stack_, nullptr);
    return "alternate stack";
  }
  return same_mask ? nullptr : "signal mask";
}

}  // namespace sigsweep
