// The machine's floor, to compare the storm's figures with: periodic timers for each thread and a
// handler that only counts. The program contains nothing of the project.
//
//   bare_timers THREADS RATE SECONDS TIMERS
//
// RATE: signals a second and thread; 0: none. TIMERS: of a thread; they take turns.
// Prints two lines of JSON, of kinds `bare` and `end` (results/schema.json). Each thread counts as
// fast as it can; its `rounds` show how much the signals take from a program. Exit status: 0; 2
// usage, or a timer or thread that can't be made.
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace {

constexpr unsigned kMostThreads = 64, kMostTimers = 16;
constexpr long kNsPerSecond = 1000000000;

struct alignas(64) Thread {
  pthread_t thread;
  std::uint64_t delivered, overruns, no_progress, last_rounds, rounds;
};
Thread threads[kMostThreads];
thread_local Thread* self;
long period;  // ns, between two signals to a thread
long timers;  // of a thread
std::atomic<bool> stopping;

[[noreturn]] void refuse(const char* what, int error) {
  std::fprintf(stderr, "bare_timers: %s: %s\n", what, std::strerror(error));
  _exit(2);
}

void on_signal(int, siginfo_t* info, void*) {
  self->delivered++;
  self->overruns += static_cast<std::uint64_t>(info->si_overrun);
  if (self->rounds == self->last_rounds) self->no_progress++;
  self->last_rounds = self->rounds;
}

timespec timespec_of(long ns) {
  return {ns / kNsPerSecond, ns % kNsPerSecond};
}

void start_timers() {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const long began = now.tv_sec * kNsPerSecond + now.tv_nsec;
  for (long i = 1; i <= timers; i++) {
    timer_t timer{};
    const itimerspec turn{timespec_of(period * timers), timespec_of(began + period * i)};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, TIMER_ABSTIME, &turn, nullptr) != 0) {
      refuse("a timer can't be made", errno);
    }
  }
}

void* run(void* thread) {
  self = static_cast<Thread*>(thread);
  if (period != 0) start_timers();
  volatile std::uint64_t* rounds = &self->rounds;  // the handler reads them
  while (!stopping.load(std::memory_order_relaxed)) *rounds = *rounds + 1;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // until it is gone
  return nullptr;
}

double now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  const bool given = argc == 5;
  const long count = given ? std::atol(argv[1]) : 0, rate = given ? std::atol(argv[2]) : -1;
  const double seconds = given ? std::atof(argv[3]) : 0;
  timers = given ? std::atol(argv[4]) : 0;
  if (count < 1 || count > kMostThreads || rate < 0 || rate > 100000 || !(seconds > 0) ||
      timers < 1 || timers > kMostTimers) {
    std::fprintf(stderr,
                 "usage: bare_timers THREADS RATE SECONDS TIMERS; THREADS: 1 to %u; RATE: 0 to "
                 "100000 a second; TIMERS: 1 to %u\n",
                 kMostThreads, kMostTimers);
    return 2;
  }
  period = rate == 0 ? 0 : kNsPerSecond / rate;
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGPROF, &action, nullptr);
  const double started = now();
  for (long i = 0; i < count; i++) {
    const int error = pthread_create(&threads[i].thread, nullptr, run, &threads[i]);
    if (error != 0) refuse("a thread can't be made", error);
  }
  const auto whole = static_cast<time_t>(seconds);
  const timespec pause{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
  nanosleep(&pause, nullptr);
  stopping = true;
  Thread sum{};
  for (long i = 0; i < count; i++) {
    pthread_join(threads[i].thread, nullptr);
    sum.delivered += threads[i].delivered;
    sum.overruns += threads[i].overruns;
    sum.no_progress += threads[i].no_progress;
    sum.rounds += threads[i].rounds;
  }
  std::printf(
      "{\"kind\": \"bare\", \"threads\": %ld, \"timers\": %ld, \"rate_asked\": %ld, \"seconds\": "
      "%.3f, "
      "\"delivered\": %llu, \"overruns\": %llu, \"no_progress\": %llu, \"rounds\": %llu}\n"
      "{\"kind\": \"end\", \"cells\": 0, \"status\": 0}\n",
      count, timers, rate, now() - started, static_cast<unsigned long long>(sum.delivered),
      static_cast<unsigned long long>(sum.overruns),
      static_cast<unsigned long long>(sum.no_progress),
      static_cast<unsigned long long>(sum.rounds));
  return 0;
}
