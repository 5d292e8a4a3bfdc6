// Timers of the kernel, and threads that send.
#include "stress/storm/sources.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "stress/storm/handler.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace sigsweep::storm {
namespace {

std::atomic<int> m_error;  // an errno
std::atomic<bool> stopping;
std::atomic<std::uint64_t> sent_by[kAsyncs];
pthread_t senders[kAsyncs];
bool is_running[kAsyncs];

// The period of the M's timer: off the common one by up to 5 %, so that timers and operations drift
// through each other's phases.
std::uint64_t jittered(MState* m) {
  const std::uint64_t width = config.period / 10;
  return config.period - width / 2 + (width == 0 ? 0 : random_word(&m->rng) % width);
}

void start_timer(MState* m) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal_of(Async::timer);
  event.sigev_notify_thread_id = m->tid;
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &m->timer) != 0) {
    m_error = errno;
    return;
  }
  m->own_period = jittered(m);
  rearm(m, m->own_period);
}

// Waits for a time, giving the processor to who wants it.
void wait_until(std::uint64_t time) {
  while (now() < time && !stopping) sched_yield();
}

// One signal to an M; false: it could not be sent now.
bool send_one(Async source, MState* m) {
  const int sig = signal_of(source);
  if (source == Async::sigqueue) {
    return pthread_sigqueue(m->thread, sig, sigval{}) == 0;  // EAGAIN: the queue is full
  }
  if (source == Async::kill) __atomic_store_n(&m->sent_at, ticks(), __ATOMIC_RELEASE);
  return pthread_kill(m->thread, sig) == 0;
}

// To each M in turn, at the rate asked for.
void* send_all(void* argument) {
  const auto i = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(argument));
  const auto source = static_cast<Async>(i);
  std::uint64_t next = now();
  for (unsigned turn = 0; !stopping; turn++) {
    MState* m = &states[turn % config.ms];
    const std::uint64_t before = m->delivered[i].get();
    if (send_one(source, m)) sent_by[i]++;
    while (source == Async::kill && m->delivered[i].get() == before && !stopping) sched_yield();
    next += config.period / config.ms;
    if (next < now()) next = now();  // no burst to catch up
    wait_until(next);
  }
  return nullptr;
}

std::string start_itimer(std::uint64_t period) {
  itimerval every{};
  every.it_interval.tv_usec = static_cast<suseconds_t>(period / 1000 % 1000000);
  every.it_interval.tv_sec = static_cast<time_t>(period / 1000000000);
  every.it_value = every.it_interval;
  if (setitimer(ITIMER_REAL, &every, nullptr) == 0) return {};
  return std::string("setitimer: ") + std::strerror(errno);
}

std::string start_sender(unsigned i) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a sender takes no signal itself
  const int error = pthread_create(&senders[i], nullptr, send_all,
                                   reinterpret_cast<void*>(static_cast<std::uintptr_t>(i)));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  is_running[i] = error == 0;
  if (error == 0) return {};
  return "a thread for source " + std::string(kAsyncNames[i]) + ": " + std::strerror(error);
}

// One to this thread, which has them blocked: where none can be queued, that is said, and not only
// that none came.
std::string try_queue() {
  const int error = pthread_sigqueue(pthread_self(), signal_of(Async::sigqueue), sigval{});
  if (error != 0) return std::string("no signal can be queued (sigqueue): ") + std::strerror(error);
  take_pending(Async::sigqueue);
  return {};
}

}  // namespace

void m_starts() {
  MState* m = &here();
  m->tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (config.has(Async::timer) && config.period != 0) start_timer(m);
  runtime::unblocksignals();
}

void m_leaves() {
  runtime::blocksignals();
  MState* m = &here();
  if (m->period != 0) {
    rearm(m, 0);
    syscall(SYS_timer_delete, m->timer);
  }
  m->left_queued.add(take_pending(Async::sigqueue));
}

std::string m_problem() {
  if (m_error == 0) return {};
  return std::string("a timer for an M can't be made (timer_create): ") + std::strerror(m_error);
}

std::string start_senders() {
  if (config.period == 0) return {};
  std::string problem;
  if (config.has(Async::itimer)) problem = start_itimer(config.period);
  if (config.has(Async::sigqueue) && problem.empty()) problem = try_queue();
  for (const Async source : {Async::kill, Async::flood, Async::sigqueue}) {
    if (config.has(source) && problem.empty())
      problem = start_sender(static_cast<unsigned>(source));
  }
  return problem;
}

void stop_senders() {
  stopping = true;
  if (config.has(Async::itimer)) start_itimer(0);
  for (unsigned i = 0; i < kAsyncs; i++) {
    if (is_running[i]) pthread_join(senders[i], nullptr);
    is_running[i] = false;
  }
}

std::uint64_t sent(Async source) {
  return sent_by[static_cast<unsigned>(source)];
}

}  // namespace sigsweep::storm
