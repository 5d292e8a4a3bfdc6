// gsignal and signal handlers. Code that runs for a signal is async-signal-safe and allocates
// nothing.
#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "runtime/print.h"
#include "runtime/runtime.h"
#include "runtime/stubs.h"
#include "stress/base/mask.h"

// TSan's sigaction keeps a signal back until its thread next blocks: no signal would land at its
// place. The C library's own function has this name, too.
#if defined(SIGSWEEP_TSAN)
extern "C" int __sigaction(int sig, const struct sigaction* act, struct sigaction* old);
constexpr auto kInstall = __sigaction;
#else
constexpr auto kInstall = sigaction;
#endif

namespace runtime {
namespace {

SigHandler handlers[65];  // by signal number; NSIG - 1 is 64

}  // namespace

std::size_t gsignalsize() {
#if defined(AT_MINSIGSTKSZ)
  std::size_t least = getauxval(AT_MINSIGSTKSZ);
#else
  std::size_t least = 0;
#endif
  // Tests simulate the frames of a larger machine.
  if (const char* pad = std::getenv("SIGSWEEP_FRAME_PAD")) least += std::strtoul(pad, nullptr, 10);
  // The frames of three nested signals, one of them a fault's, and one to spare; and the handlers'
  // own.
  return std::max<std::size_t>(32 * 1024, 4 * least + 16 * 1024);
}

void sigaltinit(M* mp) {
  stack_t ss{};
  ss.ss_sp = pointerto<void>(mp->gsignal->stack.lo);
  ss.ss_size = static_cast<std::size_t>(mp->gsignal->stack.hi - mp->gsignal->stack.lo);
  // The raw call: sanitizers install an alternate stack of their own, and this one replaces it.
  if (syscall(SYS_sigaltstack, &ss, nullptr) != 0) {
    std::perror("runtime: cannot set the alternate signal stack");
    std::exit(3);
  }
}

void setsig(int sig, SigHandler handler) {
  handlers[sig] = handler;
  struct sigaction sa {};
  sa.sa_sigaction = sigtramp;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigsweep::block_all_it_may(&sa.sa_mask);
  if (kInstall(sig, &sa, nullptr) != 0) {
    std::perror("runtime: cannot install a signal handler");
    std::exit(3);
  }
}

// A handler may change errno; the interrupted code must not see that.
SWITCH_TEXT void sighandler(int sig, siginfo_t* info, void* ctx, G* gp) {
  const int saved = errno;
  G* gsignal = getg();
  void* outer_ctx = gsignal->sigctx;  // not nil: this signal interrupted another's handler
  G* outer_gp = gsignal->siginterrupted;
  gsignal->sigctx = ctx;
  gsignal->siginterrupted = gp;
  if (handlers[sig] != nullptr) handlers[sig](sig, info, ctx, gp);
  gsignal->sigctx = outer_ctx;
  gsignal->siginterrupted = outer_gp;
  errno = saved;
}

void badsignal(int sig) {
  if (throwhook != nullptr) throwhook("signal on a thread without a g");
  Line line;
  line.text("fatal: signal ")
      .number(static_cast<std::uint64_t>(sig))
      .text(" on a thread without a g\n")
      .flush();
  _exit(2);
}

}  // namespace runtime
