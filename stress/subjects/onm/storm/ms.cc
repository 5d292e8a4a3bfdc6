#include "stress/subjects/onm/storm/ms.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <atomic>

#include "runtime/malloc.h"
#include "runtime/mheap.h"
#include "runtime/stubs.h"
#include "stress/subjects/onm/storm/benchmarks.h"
#include "stress/subjects/onm/storm/handler.h"
#include "stress/subjects/onm/storm/state.h"
#include "stress/subjects/onm/storm/work.h"

namespace sigsweep::storm::go {
namespace {

constexpr Label kLabels[] = {
    {"thread", "an M"},
    {"threads", "Ms"},
    {"tasks", "Gs"},
    {"call", "a call of onM"},
    {"calls", "from gsignal"},
    {"legal", "legal, from curg and g0"},
    {"latency", "an operation of slots"},
    {"collections", "collections"},
    {"throw", "message, one traceback and exit status 2"},
};

constexpr int kProbed = SIGUSR1;  // flood's: its account takes no notice of a lost one
runtime::M* ms[kMaxThreads];

// A span of each class that the Gs use, before the first signal: an M in the field has long had
// them. A clobbered refill then leaves a span that is used up.
void fill_cache() {
  for (unsigned c = 1; c < runtime::kClasses && runtime::kClassSize[c] <= kLargestSmallObject; c++)
    runtime::mcache_refill(runtime::getg()->m->mcache, c);
}

void probe(pthread_t thread, int signal) {
  sigval value{};
  value.sival_int = kProbe;
  pthread_sigqueue(thread, signal, value);
}

// An M that has blocked its signals takes none, whatever comes; it ends with all of them pending.
void probe_all_in_vain() {
  const std::uint64_t before = here().probes.get();
  for (unsigned i = 0; i < kAsyncs; i++) probe(pthread_self(), signal_of(static_cast<Async>(i)));
  thread_here().wrong_stack.add(here().probes.get() - before);
}

// Runs on g0 of each M, with signals blocked. The first signal comes in the moment that unblocks
// them: by then the M must have all that a handler needs. The last one comes before they are blocked
// again.
void m_starts() {
  fill_cache();
  thread_starts(&thread_here());
  probe(pthread_self(), kProbed);
  runtime::unblocksignals();
}
void m_leaves() {
  probe(pthread_self(), kProbed);
  runtime::blocksignals();
  thread_leaves(&thread_here());
  probe_all_in_vain();
}
const runtime::FuncVal m_starts_fn = runtime::funcval(m_starts);
const runtime::FuncVal m_leaves_fn = runtime::funcval(m_leaves);

// ---- Ms that live for a moment: one starts and ends after the other, under a flood of signals. So
// they come at any instruction of an M's start and end.

constexpr std::uint64_t kBetween = 10'000'000;  // ns: a small part of a processor

runtime::M* brief_m;
pthread_t starter;
std::atomic<bool> starts_more;

void m_lives_briefly() {
  runtime::unblocksignals();
  probe(pthread_self(), kProbed);
  runtime::leavem();
}
void m_ends() {
  probe(pthread_self(), kProbed);
  runtime::blocksignals();
  probe_all_in_vain();
}
const runtime::FuncVal m_lives_briefly_fn = runtime::funcval(m_lives_briefly);
const runtime::FuncVal m_ends_fn = runtime::funcval(m_ends);

void* start_brief_ms(void*) {
  while (starts_more) {
    pthread_t thread;
    if (runtime::newosproc(brief_m, &thread) != 0) break;  // too many threads: not this test's
    while (pthread_tryjoin_np(thread, nullptr) != 0) probe(thread, kProbed);
    const timespec pause{0, kBetween};
    nanosleep(&pause, nullptr);
  }
  return nullptr;
}

int start_starter() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // it takes no signal itself
  starts_more = true;
  const int error = pthread_create(&starter, nullptr, start_brief_ms, nullptr);
  starts_more = error == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

void end_starter() {
  if (starts_more.exchange(false)) pthread_join(starter, nullptr);
}

runtime::M* make_m(unsigned i) {
  runtime::M* mp = runtime::allocm(64 * 1024, config.altstack);
  runtime::mreset(mp);
  mp->id = i;
  mp->mcache = runtime::allocmcache();
  mp->mstartfn = &m_starts_fn;
  mp->mexitfn = &m_leaves_fn;
  return mp;
}

std::uint64_t sum(Counter MState::*count) {
  std::uint64_t all = 0;
  for (unsigned i = 0; i < config.threads; i++) all += (states[i].*count).get();
  return all;
}

class ManyMs final : public Workload {
 public:
  std::string_view protocol() const override { return "reject"; }
  std::span<const std::string_view> mixes() const override { return kMixNames; }
  std::span<const Label> labels() const override { return kLabels; }
  unsigned most_tasks() const override { return kMaxGs; }
  std::size_t altstack() const override { return runtime::gsignalsize(); }

  void prepare() override {
    runtime::mallocinit();
    prepare_work();
    install_handlers();
    for (unsigned i = 0; i < config.threads; i++) ms[i] = make_m(i);
    brief_m = make_m(kMaxThreads);
    brief_m->mstartfn = &m_lives_briefly_fn;
    brief_m->mexitfn = &m_ends_fn;
    runtime::setmcount(config.threads);
    start_gs();
  }
  // Behind the last of them the starter: its own mask is no example for an M's.
  int start_thread(unsigned i) override {
    const int error = runtime::newosproc(ms[i], &threads[i].handle);
    const bool is_last = i + 1 == config.threads;
    const bool storms = config.period != 0 && !config.throw_for_real;
    return error == 0 && is_last && storms ? start_starter() : error;
  }
  void stop() override {
    end_starter();
    stop_gs();
  }

  std::vector<Count> counts() const override {
    const GCount gs = count_gs();
    return {{"legal", sum(&MState::legal)},
            {"calls", sum(&MState::calls)},
            {"rejected", sum(&MState::rejected)},
            {"ran", sum(&MState::ran)},
            {"handler_clobbered", sum(&MState::handler_clobbered)},
            {"made", gs.made},
            {"finished", gs.finished},
            {"collections", runtime::numgc()}};
  }
  std::string state_text(std::uint32_t state) const override {
    return std::string("g=") + ((state & kOnG0) != 0 ? "g0" : "curg") +
           "/sp=" + ((state & kSpInG0) != 0 ? "g0" : "curg");
  }

  std::vector<std::string_view> benchmarks() override { return go::benchmark_names(); }
  double run_benchmark(std::string_view name, std::uint64_t rounds) override {
    return go::run_benchmark(name, rounds);
  }
};

}  // namespace

Workload* workload() {
  static ManyMs one;
  return &one;
}

}  // namespace sigsweep::storm::go
