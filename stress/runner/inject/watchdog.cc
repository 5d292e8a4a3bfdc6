// The watchdog of one thread. Its handler is async-signal-safe. Built without instrumentation.
#include "stress/runner/inject/watchdog.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

namespace sigsweep::inject {
namespace {

const volatile std::uint64_t* watched;
std::uint64_t last_seen;
unsigned seen_again;  // ticks in a row that saw the same trial
void (*on_expired)();
constexpr unsigned kTicks = 10;  // in a time limit

// Many ticks make a hang, not two: a virtual machine's stolen time may expire one late and the next
// at once, but expiries of the same moment are one tick.
void tick(int, siginfo_t*, void*) {
  const std::uint64_t now = *watched;
  seen_again = now != 0 && now == last_seen ? seen_again + 1 : 0;
  last_seen = now;
  if (seen_again < kTicks) return;
  seen_again = 0;
  on_expired();
}

}  // namespace

int watchdog_signal() {
  return SIGXCPU;
}

std::string start_watchdog(const volatile std::uint64_t* serial, unsigned limit_ms,
                           void (*expired)()) {
  watched = serial;
  on_expired = expired;
  struct sigaction sa {};
  sa.sa_sigaction = tick;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  // All but faults: a signal made pending in the trap must land at its boundary, not in tick().
  sigfillset(&sa.sa_mask);
  for (int s : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) sigdelset(&sa.sa_mask, s);
  sigaction(watchdog_signal(), &sa, nullptr);

  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = watchdog_signal();
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer;
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0) {
    return std::string("a timer for the watchdog: ") + std::strerror(errno);
  }
  itimerspec every{};
  every.it_interval.tv_nsec = static_cast<long>(limit_ms) * (1000000L / kTicks);
  every.it_value = every.it_interval;
  if (timer_settime(timer, 0, &every, nullptr) != 0) {
    return std::string("arming the watchdog: ") + std::strerror(errno);
  }
  return {};
}

}  // namespace sigsweep::inject
