// Taking over the faults of the process.
#include "stress/engine/faults.h"

#include <errno.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "stress/base/mask.h"
#include "stress/base/modules.h"
#include "stress/trap/arch.h"
#include "stress/trap/watchdog.h"

namespace sigsweep {
namespace {

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};

}  // namespace

std::string FaultHandlers::install(void (*entry)(int, siginfo_t*, void*)) {
  struct sigaction sa {};
  sa.sa_sigaction = entry;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  block_all_it_may(&sa.sa_mask);
  sigaddset(&sa.sa_mask, trap::watchdog_signal());  // a trial that has faulted has ended
  for (int s : kFaults) {
    if (sigaction(s, &sa, &before_[s]) != 0)
      return "a handler for faults: " + std::string(strerror(errno));
  }
  return {};
}

void print_fault(int sig, const siginfo_t* info, const ucontext_t* uc) {
  char text[512];
  const std::uint64_t pc = trap::context_pc(uc);
  const Module* module = modules_of_process().at(pc);
  const bool loaded = module != nullptr && !module->name.empty();
  const int n = std::snprintf(
      text, sizeof text,
      "runner: signal %d at pc=0x%llx%s%s%s0x%llx) address=%p with no injection behind it\n", sig,
      static_cast<unsigned long long>(pc), loaded ? " (" : " (here",
      loaded ? module->name.c_str() : "", "+",
      static_cast<unsigned long long>(module != nullptr ? pc - module->bias : pc), info->si_addr);
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) _exit(3);
}

}  // namespace sigsweep
