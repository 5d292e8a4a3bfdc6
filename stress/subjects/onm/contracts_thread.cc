// The contracts of a thread's own stubs: mstart and mexit, and sigtramp, each signal's entry.
#include <signal.h>
#include <unistd.h>

#include "runtime/stubs.h"
#include "stress/base/forked.h"
#include "stress/subjects/onm/contracts_check.h"

using runtime::getg;

namespace sigsweep::onm {
namespace {

struct Started {
  int runs;
  Word g, entry_sp;
};
Started started;

void note_start() {
  started = {started.runs + 1, word(getg()), ENTRY_SP()};
  contract_leaves(the_m);
}

// run_idle itself checks what they keep, and that g is nil then.
void check_mstart(M* mp) {
  started = {};
  run_idle(mp, note_start);
  const Word top = mp->g0->sched.sp;
  expect(started.runs == 1, "mstart: mstart1 did not run exactly once");
  expect(started.g == word(mp->g0), "mstart: g was not g0");
  expect(started.entry_sp < top && started.entry_sp > top - 1024,
         "mstart: mstart1 did not start at g0.sched.sp");
  expect(aligned(started.entry_sp), "mstart: SP did not have the ABI's alignment");
}

struct Handled {
  int runs, sig, sig_of_info;
  std::uintptr_t sp_of_ctx;
  Word g, gp, entry_sp;
};
Handled handled;
ucontext_t interrupted;

// What the ABI gives to sighandler, too, where arguments lie on the stack: all of them, above its
// frame.
__attribute__((noinline)) void spoil_arguments() {
#if defined(__i386__)
  auto* const here = static_cast<std::uintptr_t**>(__builtin_frame_address(0));
  volatile std::uintptr_t* const handlers = here[0];
  volatile std::uintptr_t* const sighandlers = reinterpret_cast<std::uintptr_t*>(handlers[0]);
  for (int i = 0; i < 4; i++) sighandlers[2 + i] = 0x5a5a5a5a;
#endif
}

void note_signal(int sig, void* info, void* ctx, G* gp) {
  handled = {handled.runs + 1,
             sig,
             static_cast<siginfo_t*>(info)->si_signo,
             runtime::sigctxsp(*static_cast<ucontext_t*>(ctx)),
             word(getg()),
             word(gp),
             ENTRY_SP()};
  interrupted = *static_cast<ucontext_t*>(ctx);
  spoil_arguments();
  spoil_scratch();  // the last thing that the handler does
}

// By any caller, on any stack.
void expect_handled(G* gp) {
  expect(handled.runs == 1, "sigtramp: the handler did not run exactly once");
  expect(handled.sig == SIGPROF && handled.sig_of_info == SIGPROF,
         "sigtramp: the handler's first two arguments were not the signal's");
  expect(handled.sp_of_ctx > gp->stack.lo && handled.sp_of_ctx < gp->stack.hi,
         "sigtramp: the handler's third argument was not the interrupted context");
  expect(handled.gp == word(gp), "sigtramp: the handler's fourth argument was not g");
  expect(handled.g == word(the_m->gsignal), "sigtramp: g was not gsignal in the handler");
  expect(aligned(handled.entry_sp), "sigtramp: SP did not have the ABI's alignment");
  expect(getg() == gp, "sigtramp: g was not put back");
}

void raise_from_curg() {
  G* gp = getg();
  handled = {};
  raise(SIGPROF);
  expect_handled(gp);
  const runtime::Stack& stack = the_m->gsignal->stack;
  expect(handled.entry_sp > stack.lo && handled.entry_sp < stack.hi,
         "sigtramp: the handler did not run on gsignal's stack");
  // The kernel leaves a copy of the number in a register; another caller does not.
  siginfo_t info{};
  info.si_signo = SIGPROF;
  ucontext_t context = interrupted;
  handled = {};
  runtime::sigtramp(SIGPROF, &info, &context);
  expect_handled(gp);
}

// In a child: the runner's own handlers stay installed here.
void check_sigtramp(M* mp) {
  const Forked ended = run_in_child([&] {
    runtime::sigaltinit(mp);
    runtime::setsig(SIGPROF, note_signal);
    run_as_g(mp, raise_from_curg);
    static_cast<void>(!write(STDERR_FILENO, problem.data(), problem.size()));
    _exit(0);
  });
  if (!problem.empty()) return;
  problem = ended.output;
  expect(ended.exit_status == 0, "sigtramp: a signal ended the process");
}

const Contract kThreads[] = {
    {"mstart, and back by mexit", check_mstart},
    {"sigtramp, from curg", check_sigtramp},
};

}  // namespace

std::span<const Contract> thread_contracts() {
  return kThreads;
}

}  // namespace sigsweep::onm
