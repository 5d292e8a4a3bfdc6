// The machine's floor, for the storm's figures to be held against: a periodic timer for each thread
// and an empty handler, in a program that has nothing of the project in it.
//
//   bare_timers THREADS RATE SECONDS    RATE: signals a second and thread; 0: none
//
// Prints one line of JSON, of kind `bare` (results/schema.json). Each thread counts as fast as it
// can; its `rounds` tell what the signals take from a program.
// Exit status: 0; 2 usage, or a timer or thread that can't be made.
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

constexpr unsigned kMostThreads = 64;
constexpr long kNsPerSecond = 1000000000;

struct alignas(64) Thread {
  pthread_t thread;
  std::uint64_t delivered, overruns, rounds;
};
Thread threads[kMostThreads];
thread_local Thread* self;
long period;  // ns
std::atomic<bool> stopping;

[[noreturn]] void refuse(const char* what, int error) {
  std::fprintf(stderr, "bare_timers: %s: %s\n", what, std::strerror(error));
  _exit(2);
}

void on_signal(int, siginfo_t* info, void*) {
  self->delivered++;
  self->overruns += static_cast<std::uint64_t>(info->si_overrun);
}

void start_timer() {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
  event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer{};
  const itimerspec every{{0, period}, {0, period}};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
      timer_settime(timer, 0, &every, nullptr) != 0) {
    refuse("a timer can't be made", errno);
  }
}

void* run(void* thread) {
  self = static_cast<Thread*>(thread);
  if (period != 0) start_timer();
  std::uint64_t rounds = 0;
  while (!stopping.load(std::memory_order_relaxed)) rounds++;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // until it is gone
  self->rounds = rounds;
  return nullptr;
}

double now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  const long count = argc == 4 ? std::atol(argv[1]) : 0, rate = argc == 4 ? std::atol(argv[2]) : -1;
  const double seconds = argc == 4 ? std::atof(argv[3]) : 0;
  if (count < 1 || count > kMostThreads || rate < 0 || rate > 100000 || !(seconds > 0)) {
    std::fprintf(stderr, "usage: bare_timers THREADS RATE SECONDS; RATE: 0 to 100000 a second\n");
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
    sum.rounds += threads[i].rounds;
  }
  std::printf(
      "{\"kind\": \"bare\", \"threads\": %ld, \"rate_asked\": %ld, \"seconds\": %.3f, "
      "\"delivered\": %llu, \"overruns\": %llu, \"rounds\": %llu}\n",
      count, rate, now() - started, static_cast<unsigned long long>(sum.delivered),
      static_cast<unsigned long long>(sum.overruns), static_cast<unsigned long long>(sum.rounds));
  return 0;
}
