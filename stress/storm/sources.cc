// Timers of the kernel, and threads that send.
#include "stress/storm/sources.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "stress/storm/timers.h"
#include "stress/storm/workload.h"

namespace sigsweep::storm {
namespace {

constexpr std::uint64_t kAll = UINT64_MAX;
constexpr std::uint64_t kMostWaiting[] = {
#define NO_LIMIT UINT64_MAX
#define SOURCE(name, signal, each_thread, waiting, ...) waiting,
#include "stress/storm/sources.def"
#undef SOURCE
#undef NO_LIMIT
};

std::atomic<int> failed_timers;  // an errno
std::atomic<bool> stopping;
std::atomic<std::uint64_t> sent_by[kAsyncs];
pthread_t senders[kAsyncs];
bool is_running[kAsyncs];

// The period of the thread's timers: up to 5 % off the common one, so that timers and operations
// drift through each other's phases.
std::uint64_t jittered(Thread* thread) {
  const std::uint64_t width = config.period / 10;
  return config.period - width / 2 + (width == 0 ? 0 : random_word(&thread->rng) % width);
}

// A sender sleeps while it waits, as briefly as the kernel can. It asks for short turns: they come
// sooner than those of threads that compute. A sender that yields would wait for their turns to end
// each time.
void become_a_sender() {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // ns
  struct {                               // sched_attr; an older kernel takes no notice of a slice
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t slice, deadline, period;
  } attributes{sizeof attributes, SCHED_OTHER, 0, 0, 0, 100'000, 0, 0};
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void nap() {
  const timespec least{0, 1};
  nanosleep(&least, nullptr);
}

void wait_until(std::uint64_t time) {
  while (now() < time && !stopping) nap();
}

// One signal to a thread; false: it could not be sent now.
bool send_one(Async source, Thread* thread) {
  const int sig = signal_of(source);
  if (source == Async::sigqueue) {
    return pthread_sigqueue(thread->handle, sig, sigval{}) == 0;  // EAGAIN: the queue is full
  }
  if (source == Async::kill) __atomic_store_n(&thread->sent_at, ticks(), __ATOMIC_RELEASE);
  return pthread_kill(thread->handle, sig) == 0;
}

// To each thread in turn, at the requested rate. If a thread has its limit of waiting signals, it
// is left out until it has taken all: it may have no processor now. While a signal waits, the
// thread's program stands still.
void* send_all(void* argument) {
  const auto i = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(argument));
  const auto source = static_cast<Async>(i);
  become_a_sender();
  std::uint64_t sent_to[kMaxThreads] = {};
  bool left_out[kMaxThreads] = {};
  std::uint64_t next = now();
  for (unsigned turn = 0; !stopping; turn++) {
    const unsigned id = turn % config.threads;
    const std::uint64_t waiting = sent_to[id] - threads[id].delivered[i].get();
    left_out[id] = waiting >= (left_out[id] ? 1 : kMostWaiting[i]);
    if (!left_out[id] && send_one(source, &threads[id])) {
      sent_to[id]++;
      sent_by[i]++;
    }
    next += config.period / config.threads;
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

// Queues one to this thread, which blocks these signals. If none can be queued, the message says
// so, not only that none came.
std::string try_queue() {
  const int error = pthread_sigqueue(pthread_self(), signal_of(Async::sigqueue), sigval{});
  if (error != 0) return std::string("no signal can be queued (sigqueue): ") + std::strerror(error);
  take_pending(Async::sigqueue, kAll);
  return {};
}

}  // namespace

void thread_starts(Thread* thread) {
  thread->tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (!config.has(Async::timer) || config.period == 0) return;
  const int error = start_timers(thread, jittered(thread));
  if (error != 0) failed_timers = error;
}

void thread_leaves(Thread* thread) {
  stop_timers(thread);
  thread->left_queued.add(take_pending(Async::sigqueue, kAll));
}

int timers_error() {
  return failed_timers;
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
  end_timers();
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
