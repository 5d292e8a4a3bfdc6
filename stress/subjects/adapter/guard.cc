// Handlers for what kills, and a function for exit().
#include "stress/subjects/adapter/guard.h"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "stress/trap/arch.h"

namespace sigsweep::adapter {
namespace {

constexpr int kDeadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGXCPU};

void (*tell)(const Death&) = nullptr;

void die(int signal, siginfo_t*, void* context) {
  std::signal(signal, SIG_DFL);  // behind this handler the fault comes again
  if (tell != nullptr) tell({signal, trap::context_pc(static_cast<ucontext_t*>(context))});
  raise(signal);
}

void at_exit() {
  if (tell != nullptr) tell({});
}

}  // namespace

void guard(void (*told)(const Death&)) {
  static const int registered = std::atexit(at_exit);
  (void)registered;
  tell = told;
  for (int signal : kDeadly) {
    struct sigaction sa {};
    sa.sa_sigaction = die;
    sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (told == nullptr) sa.sa_handler = SIG_DFL;
    sigaction(signal, &sa, nullptr);
  }
}

std::string displaced() {
  std::string names;
  for (const int signal : kDeadly) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) != 0 || now.sa_sigaction == die) continue;
    names += (names.empty() ? "SIG" : " SIG") + std::string(sigabbrev_np(signal));
  }
  return names;
}

}  // namespace sigsweep::adapter
