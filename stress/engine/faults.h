// The handlers of synchronous faults, and the handlers before them.
#pragma once

#include <signal.h>

#include <string>

namespace sigsweep {

class FaultHandlers {
 public:
  // Empty, or what is wrong.
  std::string install(void (*entry)(int, siginfo_t*, void*));
  // From here on the former handler has this signal. Async-signal-safe.
  void give_back(int sig) { sigaction(sig, &before_[sig], nullptr); }

 private:
  struct sigaction before_[65] = {};
};

// Tells people of a fault with no injection behind it. Async-signal-safe.
void print_fault(int sig, const siginfo_t* info, const ucontext_t* uc);

}  // namespace sigsweep
