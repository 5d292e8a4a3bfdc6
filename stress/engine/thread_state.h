// The signal mask and the alternate stack of the thread that runs trials. Async-signal-safe.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>

namespace sigsweep {

class ThreadState {
 public:
  // Takes the calling thread's mask and stack as the normal ones.
  ThreadState();

  // Notes both from a signal's context, as the code before left them.
  void note(const ucontext_t* uc);
  // Puts both back, and forgets the notes. True: both were normal, now and whenever noted.
  bool restore();
  // Puts both back after a trial. Null, or what the trial changed. `to_its_end`: it was not
  // abandoned, so it had to leave both as they were. Else only the mask is restored.
  const char* restore_after(bool to_its_end);

 private:
  bool is_normal(const stack_t& stack) const;

  std::uint64_t mask_ = 0;
  stack_t stack_{};
  bool noted_change_ = false;
};

}  // namespace sigsweep
