// What the operating system knows of an M: how its handlers are installed; its thread, from the
// first signal to the last.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include "runtime/stubs.h"
#include "stress/base/mask.h"
#include "stress/subjects/onm/contracts_check.h"

using runtime::FuncVal;
using runtime::getg;

namespace sigsweep::onm {
namespace {

// But for the two that nobody can block: the kernel leaves them out of a mask, and qemu does not.
bool is_same(const sigset_t& a, const sigset_t& b) {
  for (int sig = 1; sig < NSIG; sig++) {
    if (sig == SIGKILL || sig == SIGSTOP) continue;
    if (sigismember(&a, sig) != sigismember(&b, sig)) return false;
  }
  return true;
}

sigset_t all_that_may_be_blocked() {
  sigset_t mask;
  block_all_it_may(&mask);
  return mask;
}

void ignores(int, void*, void*, G*) {}

// The C library keeps some signals for itself: nobody may ask about those.
bool may_be_installed(int sig) {
  struct sigaction now {};
  return sig != SIGKILL && sig != SIGSTOP && sigaction(sig, nullptr, &now) == 0;
}

void expect_installed(int sig) {
  // Without the kernel's own, by which a handler returns.
  constexpr int kKnown = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_NOCLDSTOP |
                         SA_NOCLDWAIT | static_cast<int>(SA_RESETHAND);
  constexpr int kWanted = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  struct sigaction now {};
  sigaction(sig, nullptr, &now);
  expect(now.sa_sigaction == runtime::sigtramp, "setsig: a signal's entry was not sigtramp");
  expect((now.sa_flags & kKnown) == kWanted,
         "setsig: a signal's flags were not SA_SIGINFO, SA_ONSTACK and SA_RESTART");
  expect(is_same(now.sa_mask, all_that_may_be_blocked()),
         "setsig: a handler's mask was not all that may be blocked");
}

// In a child: the runner's own handlers stay installed here.
void check_setsig(M*) {
  check_in_child("setsig", [] {
    for (int sig = 1; sig < NSIG; sig++) {
      if (!may_be_installed(sig)) continue;
      runtime::setsig(sig, ignores);
      expect_installed(sig);
    }
  });
}

#if !defined(__arm__)  // qemu's user mode ends a forked child that starts a thread

sigset_t mask_of_thread() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

// What the thread of an M shows, in the order of its life. Each moment checks what holds there.
int handled;      // signals
bool on_gsignal;  // each of them
pthread_key_t at_end;
sigset_t before_start;

// SIGNAL.
void note_signal(int, void*, void*, G*) {
  const Word sp = word(__builtin_frame_address(0));
  const runtime::Stack& stack = the_m->gsignal->stack;
  handled++;
  on_gsignal = on_gsignal && sp > stack.lo && sp < stack.hi;
}

bool has_alternate_stack() {
  stack_t now{};
  sigaltstack(nullptr, &now);
  const runtime::Stack& stack = the_m->gsignal->stack;
  return (now.ss_flags & SS_DISABLE) == 0 && word(now.ss_sp) == stack.lo &&
         now.ss_size == stack.hi - stack.lo;
}

// On g0, in front of the first G.
void at_first() {
  expect(has_alternate_stack(), "mstart: gsignal was not the thread's alternate stack");
  expect(is_same(mask_of_thread(), all_that_may_be_blocked()),
         "newosproc: a signal was open before the M had started");
  raise(SIGUSR1);
  expect(handled == 0, "newosproc: a signal landed before the M had started");
  runtime::unblocksignals();
  expect(handled == 1, "unblocksignals: a signal that waited did not land");
  expect(is_same(mask_of_thread(), before_start),
         "unblocksignals: the mask was not that of the thread which started the M");
}

// On g0, behind the last G.
void at_last() {
  expect(has_alternate_stack(), "mexit: the alternate stack was gone while signals were open");
  raise(SIGUSR1);
  expect(handled == 3, "mexit: a signal did not land while signals were open");
  runtime::blocksignals();
  expect(is_same(mask_of_thread(), all_that_may_be_blocked()),
         "blocksignals: a signal stayed open");
  raise(SIGUSR1);  // it stays pending, and goes with the thread
}

// Behind mexit, when the thread ends.
void behind_last(void*) {
  stack_t now{};
  sigaltstack(nullptr, &now);
  expect((now.ss_flags & SS_DISABLE) != 0, "mexit: the thread still had an alternate stack");
  expect(is_same(mask_of_thread(), all_that_may_be_blocked()),
         "mexit: a signal was open when the M had ended");
  expect(getg() == nullptr, "mexit: g was not nil");
}

// The M's only G.
void in_between() {
  pthread_setspecific(at_end, the_m);
  raise(SIGUSR1);
  expect(handled == 2, "a signal did not land in a G");
}

// The M starts and ends by the functions given; by its own where they are nil.
void run_thread(M* mp, const FuncVal* first, const FuncVal* last) {
  static const FuncVal body = runtime::funcval(in_between);
  the_m = mp;
  runtime::mreset(mp);
  runtime::newproc(&body);
  mp->mstartfn = first;
  mp->mexitfn = last;
  pthread_t thread;
  before_start = mask_of_thread();
  const int error = runtime::newosproc(mp, &thread);
  expect(error == 0, "newosproc: there was no thread");
  expect(is_same(mask_of_thread(), before_start), "newosproc: its caller's mask changed");
  if (error == 0) pthread_join(thread, nullptr);
}

void check_thread(M* mp) {
  check_in_child("an M's thread", [mp] {
    static const FuncVal first = runtime::funcval(at_first), last = runtime::funcval(at_last);
    on_gsignal = true;
    pthread_key_create(&at_end, behind_last);
    runtime::setsig(SIGUSR1, note_signal);
    run_thread(mp, &first, &last);
    expect(handled == 3, "a signal landed in an M that had ended");
    expect(on_gsignal, "a signal did not land on gsignal");
    handled = 1;  // as at_first leaves it
    run_thread(mp, nullptr, nullptr);
    expect(mp->mstartfn->fn == runtime::unblocksignals,
           "newosproc: an M without a start of its own did not open signals");
    expect(mp->mexitfn->fn == runtime::blocksignals,
           "newosproc: an M without an end of its own did not block signals");
  });
}

#endif

const Contract kSystem[] = {
    {"setsig: each signal", check_setsig},
#if !defined(__arm__)
    {"an M's thread, from its first signal to its last", check_thread},
#endif
};

}  // namespace

std::span<const Contract> system_contracts() {
  return kSystem;
}

}  // namespace sigsweep::onm
