// All of it may run in a handler: async-signal-safe, allocates nothing, not instrumented. It makes
// the system calls directly, because TSan intercepts the C library's.
#include "stress/storm/timers.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace sigsweep::storm {
namespace {

// A look at progress is due after so many signals; or after so many ticks, if enough signals came.
constexpr std::uint64_t kLookEvery = 1024, kLookAfter = 250'000'000, kLeastSignals = 16;
constexpr std::uint64_t kSlowest = 10'000'000;  // ns
constexpr std::uint64_t kLongGap = 500'000;     // ticks; no handler and its delivery take that long

// Of a signal's context: the general registers and pc.
#if defined(__x86_64__)
constexpr int kFirstRegister = REG_R8, kPc = REG_RIP;
#else
constexpr int kFirstRegister = REG_EDI, kPc = REG_EIP;
#endif

std::atomic<bool> ended;

timespec timespec_of(std::uint64_t ns) {
  return {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
}

// Takes the pending signals. Takes again if the thread was without its processor meanwhile: the
// time is known to this many ns. Returns that time, the middle. Under fast timers one round takes
// many of their periods; it takes the signals of four timers one after the other.
std::uint64_t take_at_one_time(Thread* thread) {
  constexpr std::uint64_t kMost = 50000;
  for (unsigned tries = 10;; tries--) {
    const std::uint64_t before = now();
    thread->left_pending.add(take_pending(Async::timer, kTimers));  // one each, the oldest first
    const std::uint64_t took = now() - before;
    if (took <= kMost || tries == 0) return before + took / 2;
  }
}

// A timer that is set anew drops its pending signal, and with it the expirations since that one was
// sent: hundreds on a busy machine. So the signal is taken first, and the account ends there.
void close_account(Thread* thread) {
  const std::uint64_t end = take_at_one_time(thread);
  if (end >= thread->first) thread->expirations.add((end - thread->first) / thread->period + 1);
}

// Their signals come a period (ns) apart; 0: no signals.
void rearm(Thread* thread, std::uint64_t period) {
  if (thread->period != 0) close_account(thread);
  thread->period = period;
  thread->first = now() + period;
  for (unsigned i = 0; i < kTimers; i++) {
    itimerspec turn{timespec_of(period * kTimers), timespec_of(thread->first + i * period)};
    if (period == 0) turn.it_value = {};
    syscall(SYS_timer_settime, thread->timers[i], TIMER_ABSTIME, &turn, nullptr);
  }
}

// A thread may wait in the kernel, for a task, a lock or the others to stop.
// pc is behind the instruction; if the call will be restarted, pc is at it.
bool in_a_system_call(std::uint64_t pc) {
#if defined(__x86_64__)
  constexpr std::uint16_t kSyscall = 0x050f;
#else
  constexpr std::uint16_t kSyscall = 0x80cd;  // the kernel returns behind it from SYSENTER, too
#endif
  std::uint16_t behind, at;
  const auto* const code = as_pointer<const unsigned char>(pc);
  std::memcpy(&behind, code - sizeof behind, sizeof behind);
  std::memcpy(&at, code, sizeof at);
  return behind == kSyscall || at == kSyscall;
}

// A hash of all registers: in a loop one of them counts.
std::uint64_t state_of(const ucontext_t& uc) {
  std::uint64_t state = 0;
  for (int i = kFirstRegister; i <= kPc; i++) {
    state = (state ^ static_cast<std::uint64_t>(uc.uc_mcontext.gregs[i])) * 0x9e3779b97f4a7c15U;
    state ^= state >> 32U;
  }
  return state;
}

// If timers are so fast that the program stands still, their signals find no progress. Such timers
// are slowed down, and return to their own period step by step when the program moves again. Two
// cases say nothing of the rate. Signals that gathered while a thread had no processor come all at
// once. A thread that waits in the kernel does not move. But if nearly all signals find no
// progress, they keep the processors from the threads that others wait for.
void adapt(Thread* thread) {
  const Progress& p = thread->progress;
  const bool stands = p.in_vain * 10 > p.signals * 9;
  if (stands || p.too_fast * 100 > p.signals) {
    thread->backoffs.add();
    const std::uint64_t slower = thread->period + thread->period / (stands ? 1 : 4);
    rearm(thread, std::min(slower, std::max(kSlowest, thread->own_period)));
  } else if (p.too_fast * 200 <= p.signals && p.in_vain * 2 <= p.signals &&
             thread->period > thread->own_period) {
    const std::uint64_t faster = thread->period - thread->period / 5;
    rearm(thread, std::max(faster, thread->own_period));
  }
}

}  // namespace

std::uint64_t now() {
  timespec t;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1000000000 + static_cast<std::uint64_t>(t.tv_nsec);
}

std::uint64_t take_pending(Async source, std::uint64_t most) {
  const std::uint64_t one = std::uint64_t{1} << static_cast<unsigned>(signal_of(source) - 1);
  const timespec at_once{};
  std::uint64_t count = 0;
  siginfo_t info;
  for (; most > 0; most--) {
    if (syscall(SYS_rt_sigtimedwait, &one, &info, &at_once, sizeof one) <= 0) break;
    count += 1 + (info.si_code == SI_TIMER ? static_cast<std::uint64_t>(info.si_overrun) : 0);
  }
  return count;
}

int start_timers(Thread* thread, std::uint64_t period) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal_of(Async::timer);
  event.sigev_notify_thread_id = thread->tid;
  for (int& timer : thread->timers) {
    if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return errno;
  }
  thread->own_period = period;
  rearm(thread, period);
  return 0;
}

void stop_timers(Thread* thread) {
  if (thread->own_period == 0) return;  // it has no timers, or wants none
  rearm(thread, 0);
  for (const int timer : thread->timers) syscall(SYS_timer_delete, timer);
}

void end_timers() {
  ended.store(true, std::memory_order_relaxed);
}

void watch_progress(Thread* thread, const ucontext_t& uc, std::uint64_t entered) {
  if (thread->period != 0 && ended.load(std::memory_order_relaxed)) rearm(thread, 0);
  Progress& p = thread->progress;
  const std::uint64_t state = state_of(uc);
  const bool same = state == p.state;
  p.gathered = entered - thread->left > kLongGap || (p.gathered && same);
  p.state = state;
  p.signals++;
  if (same) p.in_vain++;
  if (same && !p.gathered &&
      !in_a_system_call(static_cast<std::uint64_t>(uc.uc_mcontext.gregs[kPc]))) {
    p.too_fast++;
    thread->no_progress.add();
  }
  const bool due = entered - p.since > kLookAfter && p.signals >= kLeastSignals;
  if (p.signals < kLookEvery && !due) return;
  if (thread->period != 0 && !config.hold_rate) adapt(thread);
  p.signals = p.too_fast = p.in_vain = 0;
  p.since = entered;
}

}  // namespace sigsweep::storm
