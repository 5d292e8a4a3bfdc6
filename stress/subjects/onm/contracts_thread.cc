// The contracts of a thread's own stubs: mstart and mexit, and sigtramp, each signal's entry.
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "runtime/stubs.h"
#include "stress/base/forked.h"
#include "stress/subjects/onm/contracts_check.h"

using runtime::getg;

namespace sigsweep::onm {

void check_in_child(const char* what, const std::function<void()>& check) {
  const Forked ended = run_in_child([&] {
    check();
    static_cast<void>(!write(STDERR_FILENO, problem.data(), problem.size()));
    _exit(0);
  });
  if (problem.empty()) problem = ended.output;
  if (ended.exit_status != 0 && problem.empty()) {
    problem = std::string(what) + ": the process ended";
    if (ended.signal != 0) problem += " by signal " + std::to_string(ended.signal);
  }
}

namespace {

struct Started {
  int runs;
  Word g, entry_sp;
  std::uintptr_t back;  // mstart1's return address
};
Started started;

// Called by mstart1.
void note_start() {
  started = {started.runs + 1, word(getg()), ENTRY_SP(),
             return_address_of_caller(__builtin_frame_address(0))};
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
  expect(lies_in(started.back, runtime::mstart), "mstart: mstart1 was not called by it");
}

struct Handled {
  int runs, sig, sig_of_info;
  std::uintptr_t sp_of_ctx;
  Word g, gp, entry_sp;
  bool recorded;  // gsignal told of the context and of g
};
Handled handled;
ucontext_t interrupted;
G stranger;
constexpr int kMine = 1111, kOthers = 2222;  // values of errno

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
             ENTRY_SP(),
             getg()->sigctx == ctx && getg()->siginterrupted == gp};
  interrupted = *static_cast<ucontext_t*>(ctx);
  errno = kOthers;
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
  expect(handled.recorded, "sighandler: gsignal did not tell what was interrupted");
  expect(the_m->gsignal->sigctx == &handled && the_m->gsignal->siginterrupted == &stranger,
         "sighandler: what gsignal told of an outer signal was not put back");
}

// As in a signal that interrupted another one's handler.
void begin_handled() {
  handled = {};
  the_m->gsignal->sigctx = &handled;
  the_m->gsignal->siginterrupted = &stranger;
  errno = kMine;
}

#if defined(__arm__)
// In a process that uses cgo R10 may be anything when a signal lands: g is what TLS holds. Else it is
// R10, and TLS may hold anything.
void call_with_cgo(G* gp, siginfo_t* info, ucontext_t* context) {
  for (const bool is_used : {false, true}) {
    runtime_iscgo = is_used ? 1 : 0;
    runtime::runtime_g = is_used ? gp : &stranger;
    begin_handled();
    if (is_used) runtime::setg(&stranger);
    runtime::sigtramp(SIGPROF, info, context);
    expect_handled(gp);
  }
  runtime_iscgo = 0;
}
#endif

void raise_from_curg() {
  G* gp = getg();
  begin_handled();
  raise(SIGPROF);
  expect(errno == kMine, "sighandler: errno was not put back");
  expect_handled(gp);
  const runtime::Stack& stack = the_m->gsignal->stack;
  expect(handled.entry_sp > stack.lo && handled.entry_sp < stack.hi,
         "sigtramp: the handler did not run on gsignal's stack");
  // The kernel leaves a copy of the number in a register; another caller does not.
  siginfo_t info{};
  info.si_signo = SIGPROF;
  ucontext_t context = interrupted;
  begin_handled();
  runtime::sigtramp(SIGPROF, &info, &context);
  expect_handled(gp);
#if defined(__arm__)
  call_with_cgo(gp, &info, &context);
#endif
}

// In a child: the runner's own handlers stay installed here.
void check_sigtramp(M* mp) {
  check_in_child("sigtramp", [mp] {
    runtime::sigaltinit(mp);
    runtime::setsig(SIGPROF, note_signal);
    run_as_g(mp, raise_from_curg);
  });
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
