// The watchdog: a thread that watches, and a handler for the one signal that it sends. Built
// without instrumentation; the handler is async-signal-safe.
#include "stress/trap/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "stress/base/mask.h"

namespace sigsweep::trap {
namespace {

const volatile std::uint64_t* watched;
std::atomic<std::uint64_t> condemned;  // the serial number that has stood still for too long
void (*on_expired)();
pthread_t target;
clockid_t cpu_clock;  // of the target
std::atomic<std::int64_t> limit_ns;
timespec pause_between;  // between two looks

std::int64_t cpu_ns() {
  timespec t{};
  clock_gettime(cpu_clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// The trial has masked the signal that ends it: so the process ends, too.
[[noreturn]] void die() {
  signal(watchdog_signal(), SIG_DFL);
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, watchdog_signal());
  pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
  raise(watchdog_signal());
  std::abort();
}

[[noreturn]] void* look_on(void*) {
  std::uint64_t last_seen = 0, sentenced = 0;
  std::int64_t since = 0;
  for (;;) {
    nanosleep(&pause_between, nullptr);
    const std::uint64_t now = *watched;
    if (now == 0 || now != last_seen) {
      last_seen = now;
      since = cpu_ns();
    } else if (cpu_ns() - since >= limit_ns) {
      if (now == sentenced) die();
      sentenced = now;
      condemned.store(now, std::memory_order_release);
      pthread_kill(target, watchdog_signal());
      last_seen = 0;
    }
  }
}

// The trial may have ended before its sentence came.
void sentence(int, siginfo_t*, void*) {
  const std::uint64_t serial = condemned.exchange(0, std::memory_order_acquire);
  if (serial != 0 && serial == *watched) on_expired();
}

}  // namespace

int watchdog_signal() {
  return SIGXCPU;
}

void limit_time(unsigned limit_ms) {
  limit_ns = std::int64_t{limit_ms} * 1000000;
}

std::string start_watchdog(const volatile std::uint64_t* serial, unsigned limit_ms,
                           void (*expired)()) {
  watched = serial;
  on_expired = expired;
  limit_time(limit_ms);
  pause_between.tv_nsec = static_cast<long>(limit_ms) * 1000000 / 10;
  struct sigaction sa {};
  sa.sa_sigaction = sentence;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  // All except faults: a signal made pending in the trap must land at its boundary, not in here.
  block_all_it_may(&sa.sa_mask);
  sigaction(watchdog_signal(), &sa, nullptr);

  target = pthread_self();
  int error = pthread_getcpuclockid(target, &cpu_clock);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the watching thread takes no signal of its own
  pthread_t thread;
  if (error == 0) error = pthread_create(&thread, nullptr, look_on, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return std::string("a thread for the watchdog: ") + std::strerror(error);
  return {};
}

}  // namespace sigsweep::trap
