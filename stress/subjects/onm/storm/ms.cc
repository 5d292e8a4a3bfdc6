#include "stress/subjects/onm/storm/ms.h"

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

runtime::M* ms[kMaxThreads];

// A span of each class that the Gs use, before the first signal: an M in the field has long had
// them. A clobbered refill then leaves a span that is used up.
void fill_cache() {
  for (unsigned c = 1; c < runtime::kClasses && runtime::kClassSize[c] <= kLargestSmallObject; c++)
    runtime::mcache_refill(runtime::getg()->m->mcache, c);
}

// Runs on g0 of each M, with signals blocked.
void m_starts() {
  fill_cache();
  thread_starts(&thread_here());
  runtime::unblocksignals();
}
void m_leaves() {
  runtime::blocksignals();
  thread_leaves(&thread_here());
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
    runtime::setmcount(config.threads);
    start_gs();
  }
  int start_thread(unsigned i) override { return runtime::newosproc(ms[i], &threads[i].handle); }
  void stop() override { stop_gs(); }

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
