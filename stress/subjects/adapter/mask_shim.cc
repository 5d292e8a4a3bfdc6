// sigprocmask() and pthread_sigmask() as the library gets them: the C library's, but that the
// signals of breakpoints, faults and the watchdog stay unmasked. Some libraries mask all signals
// around a switch. A breakpoint there would end the process.
//
// CAVEAT: a mask that the C library sets by itself, as in swapcontext(), does not come through here.
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress/base/mask.h"

namespace {

constexpr unsigned long kKernelMask = 8;  // bytes

int set_mask(int how, const sigset_t* set, sigset_t* before) {
  sigset_t allowed;
  if (set != nullptr) {
    allowed = *set;
    if (how != SIG_UNBLOCK) {
      for (int signal : sigsweep::kNeverBlocked) sigdelset(&allowed, signal);
    }
  }
  if (before != nullptr) sigemptyset(before);  // the kernel writes only its part
  return static_cast<int>(
      syscall(SYS_rt_sigprocmask, how, set == nullptr ? nullptr : &allowed, before, kKernelMask));
}

}  // namespace

extern "C" {

// The parameters' names are the C library's.
int sigprocmask(int how, const sigset_t* set, sigset_t* oset) noexcept {
  return set_mask(how, set, oset);
}

int pthread_sigmask(int how, const sigset_t* newmask, sigset_t* oldmask) noexcept {
  const int saved = errno;
  const int error = set_mask(how, newmask, oldmask) == 0 ? 0 : errno;
  errno = saved;
  return error;
}
}
