// Starting, watching and ending a storm; adding up what its Ms counted.
#include "stress/storm/storm.h"

#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <time.h>

#include <cstring>
#include <memory>

#include "runtime/malloc.h"
#include "runtime/stubs.h"
#include "stress/storm/handler.h"
#include "stress/storm/sources.h"

namespace sigsweep::storm {
namespace {

// The Gs have so long (ns) to end: less than the 30 s after which the host gives up a silent
// runner.
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

void add_up(const MState& m, Totals* t) {
  for (unsigned i = 0; i < kAsyncs; i++) {
    t->delivered[i] += m.delivered[i].get();
    t->overruns[i] += m.overruns[i].get();
  }
  for (unsigned i = 0; i < kMixes; i++) t->operations[i] += m.operations[i].get();
  for (unsigned i = 0; i < kVerdicts; i++) t->verdicts[i] += m.verdicts[i].get();
  constexpr auto kTimer = static_cast<unsigned>(Async::timer);
  constexpr auto kQueue = static_cast<unsigned>(Async::sigqueue);
  t->sent[kTimer] += m.expirations.get();
  t->pending[kTimer] += m.left_pending.get();
  t->pending[kQueue] += m.left_queued.get();
  t->legal += m.legal.get();
  t->calls += m.calls.get();
  t->rejected += m.rejected.get();
  t->ran += m.ran.get();
  t->handler_clobbered += m.handler_clobbered.get();
  t->nested += m.nested.get();
  t->wrong_stack += m.wrong_stack.get();
  t->no_progress += m.no_progress.get();
  t->backoffs += m.backoffs.get();
}

void add_up_all(double seconds, Totals* t) {
  *t = Totals{};
  t->seconds = seconds;
  const double ns = ns_per_tick();
  const auto latency = std::make_unique<Histogram>();
  const auto entry = std::make_unique<Histogram>();
  std::uint64_t handler_ticks = 0;
  for (unsigned i = 0; i < config.ms; i++) {
    add_up(states[i], t);
    latency->add_all(states[i].latency);
    entry->add_all(states[i].entry);
    handler_ticks += states[i].handler_time.get();
  }
  for (const Async source : {Async::kill, Async::flood, Async::sigqueue}) {
    t->sent[static_cast<unsigned>(source)] = sent(source);
  }
  t->handler_seconds = static_cast<double>(handler_ticks) * ns * 1e-9;
  t->first_violation = first_violation.get();
  t->latency = quantiles(*latency, ns);
  t->entry = quantiles(*entry, ns);
  t->gs = count_gs();
  t->collections = runtime::numgc();
}

// Those that are new since the last time.
void tell_violations(const Listener& listener) {
  static std::uint64_t told[kMaxMs];
  for (unsigned i = 0; i < config.ms; i++) {
    for (const std::uint64_t end = states[i].violations.get(); told[i] < end; told[i]++) {
      listener.violation(states[i].violation[told[i]]);
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

const runtime::FuncVal m_starts_fn = runtime::funcval(m_starts);
const runtime::FuncVal m_leaves_fn = runtime::funcval(m_leaves);

runtime::M* make_m(unsigned i) {
  runtime::M* mp = runtime::allocm(64 * 1024, config.altstack);
  runtime::mreset(mp);
  mp->id = i;
  mp->mcache = runtime::allocmcache();
  mp->mstartfn = &m_starts_fn;
  mp->mexitfn = &m_leaves_fn;
  states[i].rng = (config.seed + i) * 0x9e3779b97f4a7c15U | 1;
  return mp;
}

// All Ms as threads; fewer, where one can't be made.
std::string start_ms(unsigned* running) {
  std::vector<runtime::M*> ms;
  for (unsigned i = 0; i < config.ms; i++) ms.push_back(make_m(i));
  runtime::setmcount(config.ms);
  start_gs();
  for (unsigned i = 0; i < config.ms; i++) {
    const int error = runtime::newosproc(ms[i], &states[i].thread);
    if (error != 0) return std::string("a thread for an M can't be made: ") + std::strerror(error);
    *running = i + 1;
  }
  return {};
}

// Waits for the Ms to leave.
bool join_ms(unsigned running) {
  const std::uint64_t deadline = now() + kPatience;
  for (unsigned i = 0; i < running; i++) {
    while (pthread_tryjoin_np(states[i].thread, nullptr) != 0) {
      if (now() > deadline) return false;
      sleep_for(1'000'000);
    }
  }
  return true;
}

// This thread takes none of the storm's signals; the Ms were started before.
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

std::string run(const Config& wanted, const Listener& listener, Totals* totals) {
  config = wanted;
  runtime::mallocinit();
  prepare_work();
  install_handlers();
  started = now();
  first_ticks = ticks();
  unsigned running = 0;
  std::string problem = start_ms(&running);
  if (!problem.empty()) return problem;  // with too few Ms nothing ends: the process will
  block_sources();
  problem = start_senders();
  while (problem.empty() && now() - started < config.duration) {
    sleep_for(std::min(kTick, config.duration));
    problem = m_problem();
    if (!problem.empty()) break;
    add_up_all(seconds_since(started), totals);
    tell_violations(listener);
    listener.tick(*totals);
  }
  stop_senders();
  stop_gs();
  const double seconds = seconds_since(started);
  const bool ended = join_ms(running);
  if (!problem.empty()) return problem;
  add_up_all(seconds, totals);
  tell_violations(listener);
  return ended ? "" : "the Gs do not come to their end";
}

}  // namespace sigsweep::storm
