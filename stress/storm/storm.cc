// Starting, watching and ending a storm; adding up what its threads counted.
#include "stress/storm/storm.h"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <time.h>

#include <cstring>
#include <memory>

#include "stress/storm/last_words.h"
#include "stress/storm/sources.h"
#include "stress/storm/workload.h"

namespace sigsweep::storm {
namespace {

// The tasks have so long (ns) to end. The host gives up a silent runner after 30 s: this is less.
constexpr std::uint64_t kPatience = 25'000'000'000;
constexpr std::uint64_t kTick = 100'000'000;  // ns
constexpr std::size_t kHandlerNeeds = 8192;   // bytes, beside the kernel's frame

std::uint64_t first_ticks;

double ns_per_tick() {
  return static_cast<double>(now() - started) / static_cast<double>(ticks() - first_ticks);
}

Quantiles quantiles(const Histogram& h, double ns) {
  const auto scaled = [&](std::uint64_t n) {
    return static_cast<std::uint64_t>(static_cast<double>(n) * ns);
  };
  return {h.count(), scaled(h.quantile(.5)), scaled(h.quantile(.99)), scaled(h.quantile(.999)),
          scaled(h.max())};
}

void add_up(const Thread& thread, Totals* t) {
  for (unsigned i = 0; i < kAsyncs; i++) {
    t->delivered[i] += thread.delivered[i].get();
    t->overruns[i] += thread.overruns[i].get();
  }
  for (unsigned i = 0; i < kMaxMixes; i++) t->operations[i] += thread.operations[i].get();
  for (unsigned i = 0; i < kVerdicts; i++) t->verdicts[i] += thread.verdicts[i].get();
  constexpr auto kTimer = static_cast<unsigned>(Async::timer);
  constexpr auto kQueue = static_cast<unsigned>(Async::sigqueue);
  t->sent[kTimer] += thread.expirations.get();
  t->pending[kTimer] += thread.left_pending.get();
  t->pending[kQueue] += thread.left_queued.get();
  t->nested += thread.nested.get();
  t->wrong_stack += thread.wrong_stack.get();
  t->no_progress += thread.no_progress.get();
  t->backoffs += thread.backoffs.get();
}

void add_up_all(const Workload& workload, double seconds, Totals* t) {
  *t = Totals{};
  t->seconds = seconds;
  const double ns = ns_per_tick();
  const auto latency = std::make_unique<Histogram>();
  const auto entry = std::make_unique<Histogram>();
  std::uint64_t handler_ticks = 0;
  for (unsigned i = 0; i < config.threads; i++) {
    add_up(threads[i], t);
    latency->add_all(threads[i].latency);
    entry->add_all(threads[i].entry);
    handler_ticks += threads[i].handler_time.get();
  }
  t->wrong_stack += threads[kMaxThreads].wrong_stack.get();
  for (const Async source : {Async::kill, Async::flood, Async::sigqueue}) {
    t->sent[static_cast<unsigned>(source)] = sent(source);
  }
  t->handler_seconds = static_cast<double>(handler_ticks) * ns * 1e-9;
  t->first_violation = first_violation.get();
  t->latency = quantiles(*latency, ns);
  t->entry = quantiles(*entry, ns);
  t->counts = workload.counts();
}

// The violations that are new since the last time.
void tell_violations(const Listener& listener) {
  static std::uint64_t told[kMaxThreads];
  for (unsigned i = 0; i < config.threads; i++) {
    for (const std::uint64_t end = threads[i].violations.get(); told[i] < end; told[i]++) {
      listener.violation(threads[i].violation[told[i]]);
    }
  }
}

void sleep_for(std::uint64_t ns) {
  timespec time{static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
  nanosleep(&time, nullptr);
}

double seconds_since(std::uint64_t start) {
  return static_cast<double>(now() - start) * 1e-9;
}

std::string failure(const Workload& workload, const char* what, const char* why, int error) {
  return std::string(what) + " for " + label(workload, "thread") + " can't be made" + why + ": " +
         std::strerror(error);
}

// Starts all of them; fewer if one can't be made.
std::string start_threads(Workload* workload, unsigned* running) {
  for (unsigned i = 0; i < config.threads; i++) {
    const int error = workload->start_thread(i);
    if (error != 0) return failure(*workload, "a thread", "", error);
    *running = i + 1;
  }
  return {};
}

// Waits for the threads to leave.
bool join(unsigned running) {
  const std::uint64_t deadline = now() + kPatience;
  for (unsigned i = 0; i < running; i++) {
    while (pthread_tryjoin_np(threads[i].handle, nullptr) != 0) {
      if (now() > deadline) return false;
      sleep_for(1'000'000);
    }
  }
  return true;
}

// This thread takes none of the storm's signals. The storm's threads have been started already.
void block_sources() {
  sigset_t ours;
  sigemptyset(&ours);
  for (unsigned i = 0; i < kAsyncs; i++) sigaddset(&ours, signal_of(static_cast<Async>(i)));
  pthread_sigmask(SIG_BLOCK, &ours, nullptr);
}

}  // namespace

std::size_t least_altstack(bool nest) {
  return (nest ? 2 : 1) * (getauxval(AT_MINSIGSTKSZ) + kHandlerNeeds);
}

std::string label(const Workload& workload, std::string_view name) {
  for (const Label& label : workload.labels()) {
    if (label.of == name) return std::string(label.text);
  }
  return std::string(name);
}

void note_violation(Thread* thread, const Violation& violation) {
  thread->verdicts[static_cast<unsigned>(violation.verdict)].add();
  if (first_violation.get() == 0) first_violation.set(now() - started + 1);
  const std::uint64_t n = thread->violations.get();
  if (n >= kMaxViolations) return;
  thread->violation[n] = violation;
  thread->violations.add();
}

std::string run(Workload* workload, const Config& wanted, const Listener& listener,
                Totals* totals) {
  config = wanted;
  for (unsigned i = 0; i < config.threads; i++) {
    threads[i].rng = (config.seed + i) * 0x9e3779b97f4a7c15U | 1;
  }
  started = now();
  first_ticks = ticks();
  workload->prepare();
  if (!config.throw_for_real) leave_last_words(config.last_words);
  unsigned running = 0;
  std::string problem = start_threads(workload, &running);
  if (!problem.empty()) return problem;  // with too few threads nothing ends: the process will
  block_sources();
  problem = start_senders();
  while (problem.empty() && now() - started < config.duration) {
    sleep_for(std::min(kTick, config.duration));
    const int error = timers_error();
    if (error != 0) problem = failure(*workload, "a timer", " (timer_create)", error);
    if (error != 0) break;
    add_up_all(*workload, seconds_since(started), totals);
    tell_violations(listener);
    listener.tick(*totals);
  }
  stop_senders();
  workload->stop();
  const double seconds = seconds_since(started);
  const bool ended = join(running);
  if (!ended) say_where_threads_stand("the tasks do not come to their end");
  if (!problem.empty()) return problem;
  add_up_all(*workload, seconds, totals);
  tell_violations(listener);
  return ended ? "" : "the " + label(*workload, "tasks") + " do not come to their end";
}

}  // namespace sigsweep::storm
