// The storm's notes about each signal, and its state, which handlers read and write. All of it is
// async-signal-safe, allocates nothing, is not instrumented, and calls nothing that a sanitizer
// intercepts.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress/storm/timers.h"
#include "stress/storm/workload.h"

namespace sigsweep::storm {

Config config;
Thread threads[kMaxThreads + 1];
std::uint64_t started;
Counter first_violation;

namespace {

struct Sources {
  std::uint8_t of[65];  // by signal number
};
const Sources sources = [] {
  Sources all{};
  for (unsigned i = 0; i < kAsyncs; i++) {
    all.of[signal_of(static_cast<Async>(i))] = static_cast<std::uint8_t>(i);
  }
  return all;
}();

}  // namespace

int signal_of(Async source) {
  switch (source) {
#define SOURCE(name, signal, ...) \
  case Async::name:               \
    return signal;
#include "stress/storm/sources.def"
#undef SOURCE
  }
  return 0;
}

void signal_arrives(Thread* thread, const siginfo_t& info, const ucontext_t& uc,
                    std::uint64_t entered) {
  const unsigned source = sources.of[info.si_signo];
  thread->delivered[source].add();
  if (info.si_code == SI_TIMER)
    thread->overruns[source].add(static_cast<std::uint64_t>(info.si_overrun));
  if (source == static_cast<unsigned>(Async::kill)) {
    const std::uint64_t sent_at = __atomic_load_n(&thread->sent_at, __ATOMIC_ACQUIRE);
    // Processors' counters may differ a little.
    if (entered > sent_at) thread->entry.add(entered - sent_at);
  }
  watch_progress(thread, uc, entered);
  thread->depth++;
  if (thread->depth > 1) thread->nested.add();
}

void signal_leaves(Thread* thread, std::uint64_t entered) {
  thread->depth--;
  thread->left = ticks();
  if (thread->depth == 0) thread->handler_time.add(thread->left - entered);
}

void allow_nesting(int how) {
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < kAsyncs; i++) {
    mask |= std::uint64_t{1} << static_cast<unsigned>(signal_of(static_cast<Async>(i)) - 1);
  }
  syscall(SYS_rt_sigprocmask, how, &mask, nullptr, sizeof mask);
}

}  // namespace sigsweep::storm
