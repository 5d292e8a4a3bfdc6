// A runner that goes wrong on purpose: does the host notice? SIGSWEEP_SABOTAGE says how:
//   die    kills itself in the handler of every tenth signal
//   loop   loops in the handler of every fiftieth signal
//   stuck  the same, with all signals masked
//   deaf   keeps SIGPROF blocked, so that a pending one never lands
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "stress/runner/main.h"

namespace {

unsigned handled = 0;

void die_sometimes(ucontext_t*) {
  if (++handled % 10 == 0) kill(getpid(), SIGKILL);
}

void loop_sometimes(ucontext_t*) {
  if (++handled % 50 != 0) return;
  for (;;) asm volatile("");
}

void get_stuck_sometimes(ucontext_t*) {
  if (++handled % 50 != 0) return;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  for (;;) asm volatile("");
}

}  // namespace

int main(int argc, char** argv) {
  const char* how = std::getenv("SIGSWEEP_SABOTAGE");
  if (how == nullptr) return 2;
  void (*act)(ucontext_t*) = nullptr;
  if (std::strcmp(how, "die") == 0) act = die_sometimes;
  if (std::strcmp(how, "loop") == 0) act = loop_sometimes;
  if (std::strcmp(how, "stuck") == 0) act = get_stuck_sometimes;
  if (std::strcmp(how, "deaf") == 0) {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGPROF);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
  }
  return runner_main(argc, argv, sigsweep::subject(), act);
}
