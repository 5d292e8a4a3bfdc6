// The signal mask and the alternate stack of the thread that runs trials. Async-signal-safe.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>

namespace sigsweep {

class ThreadState {
 public:
  // Takes those of the calling thread for the normal ones.
  ThreadState();

  // What a signal's context shows of both, as the code before left them. False: not normal.
  void note(const ucontext_t* uc);
  // Puts both back, and forgets what was noted. True: both were normal, now and whenever noted.
  bool restore();
  // Puts both back after a trial. Null, or what that had changed. `to_its_end`: it was not
  // abandoned, so that it had to leave both as they were; else only the mask is looked after.
  const char* restore_after(bool to_its_end);

 private:
  bool is_normal(const stack_t& stack) const;

  std::uint64_t mask_ = 0;
  stack_t stack_{};
  bool noted_change_ = false;
};

}  // namespace sigsweep
