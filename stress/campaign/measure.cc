// The benchmarks of the harness: one row each. Built without instrumentation, like the code that it
// measures.
#include "stress/campaign/measure.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "stress/base/stopwatch.h"
#include "stress/campaign/cell.h"
#include "stress/trap/arch.h"
#include "stress/trap/breakpoint.h"
#include "stress/trap/hwbreak.h"
#include "stress/trap/sources.h"

namespace sigsweep {
namespace {

// What runs in this process and waits for nothing is measured in processor time: then ratios hold
// on a busy machine, too. A wait for a timer, and a child, show in the time that passes alone.
constexpr clockid_t kOwnWork = CLOCK_PROCESS_CPUTIME_ID, kWithWaits = CLOCK_MONOTONIC;

volatile std::uint64_t landed;
void count_signal(int, siginfo_t*, void*) {
  landed = landed + 1;
}

// While it lives, count_signal handles a signal: on the alternate stack, with every signal masked,
// like a runtime's handlers.
class CountedSignal {
 public:
  explicit CountedSignal(int sig) : sig_(sig) {
    struct sigaction counted {};
    trap::want_traps({});
    sigaction(SIGTRAP, nullptr, &counted);
    counted.sa_sigaction = count_signal;
    sigaction(sig_, &counted, &before_);
    landed = 0;
  }
  ~CountedSignal() { sigaction(sig_, &before_, nullptr); }
  CountedSignal(const CountedSignal&) = delete;
  CountedSignal& operator=(const CountedSignal&) = delete;

 private:
  int sig_;
  struct sigaction before_ {};
};

Measured counted(double ns, std::uint64_t rounds) {
  if (landed != rounds) {
    return {0,
            std::to_string(rounds) + " signals asked for, " + std::to_string(landed) + " landed"};
  }
  return {ns, {}};
}

// ---- floors: the least cost of any injection

Measured int3_floor(std::uint64_t rounds, Traces&) {
  const CountedSignal signal(SIGTRAP);
  const Stopwatch watch(kOwnWork);
  for (std::uint64_t i = 0; i < rounds; i++) trap::standing_break();
  return counted(watch.ns(), rounds);
}

Measured tgkill_floor(std::uint64_t rounds, Traces&) {
  const CountedSignal signal(SIGPROF);
  const pid_t process = getpid();
  const long thread = syscall(SYS_gettid);
  const Stopwatch watch(kOwnWork);
  for (std::uint64_t i = 0; i < rounds; i++) syscall(SYS_tgkill, process, thread, SIGPROF);
  return counted(watch.ns(), rounds);
}

// ---- injections

// One instruction to break at, in injectable code, and nothing else.
extern "C" __attribute__((section("switch_text"), noinline)) void bench_target() {
  asm volatile("nop; nop; nop; nop; nop; nop; nop; nop");
}

// Does at the breakpoint only what the engine does there.
struct Injector final : trap::TrapClient {
  Injector(Source how, int sig) : source(how), signal(sig) {}
  void on_break(unsigned, ucontext_t* uc) override {
    if (trap::is_the_trap(source)) {
      count_signal(signal, nullptr, uc);
    } else {
      trap::make_pending(source, signal);
    }
  }
  bool on_step(ucontext_t*) override { return false; }

  Source source;
  int signal;
};

template <Source kSource>
Measured injection(std::uint64_t rounds, Traces&) {
  if (std::string problem = trap::prepare(kSource); !problem.empty()) {
    return {0, "skipped: " + problem};
  }
  constexpr int kSignal = kSource == Source::itimer ? SIGALRM : SIGPROF;
  const CountedSignal signal(kSignal);
  Injector injector(kSource, kSignal);
  trap::TrapClient* engine = trap::set_client(&injector);
  // As the engine does.
  trap::want_traps({.masking = !trap::is_the_trap(kSource), .doors = kSource == Source::user});
  const auto target = as_address(&bench_target);
  const Stopwatch watch(kSource == Source::itimer ? kWithWaits : kOwnWork);
  for (std::uint64_t i = 0; i < rounds; i++) {
    if constexpr (kSource == Source::hwbreak) {
      trap::arm_hwbreak(0, target, 1);
    } else {
      trap::arm(0, target, 1);
    }
    bench_target();
  }
  const double ns = watch.ns();
  trap::set_client(engine);
  return counted(ns, rounds);
}

// With a write into the code for each: two doors that cover each other, in turn.
Measured user_write(std::uint64_t rounds, Traces&) {
  if (std::string problem = trap::prepare(Source::user); !problem.empty()) {
    return {0, "skipped: " + problem};
  }
  const CountedSignal signal(SIGPROF);
  Injector injector(Source::user, SIGPROF);
  trap::TrapClient* engine = trap::set_client(&injector);
  trap::want_traps({.masking = false, .doors = true});
  const auto target = as_address(&bench_target);
  const Stopwatch watch(kOwnWork);
  for (std::uint64_t i = 0; i < rounds; i++) {
    trap::arm(0, target + (i & 1), 1);
    bench_target();
  }
  const double ns = watch.ns();
  trap::set_client(engine);
  return counted(ns, rounds);
}

// ---- trials, with every check: of the subject's first protocol (onm: legacy, whose trials go
// wrong) and site, with the first handler, a signal at each boundary in turn

class Trials {
 public:
  std::string prepare(Traces& traces) {
    CellRequest request;
    request.signal = SIGPROF;
    const auto sites = traces.subject().sites();
    for (request.handler = 0; !sites[request.handler].handler;) request.handler++;
    CellSweeper sweeper(traces);
    std::string problem = sweeper.prepare(request.protocol, request.site, request.seed);
    for (unsigned b = 0; b < sweeper.trace().boundaries.size(); b++) {
      plans_.push_back(sweeper.plan_for(request, Point{b, 0}, b));
    }
    return plans_.empty() ? problem + " (no boundary)" : problem;
  }
  const Plan& plan(std::uint64_t round) const {
    return plans_[static_cast<std::size_t>(round % plans_.size())];
  }

 private:
  std::vector<Plan> plans_;
};

template <Contain kContain>
Measured trial(std::uint64_t rounds, Traces& traces) {
  Trials trials;
  if (std::string problem = trials.prepare(traces); !problem.empty()) return {0, problem};
  landed = 0;
  traces.engine().lazy(true);  // as in a sweep
  TrialRow row(traces.engine(), kContain, [](std::uint64_t, const TrialResult& ran) {
    landed = landed + ran.seen.landed;
    return true;
  });
  const Stopwatch watch(kContain == Contain::fork ? kWithWaits : kOwnWork);
  for (std::uint64_t i = 0; i < rounds; i++) row.run(trials.plan(i), i);
  row.finish();
  const double ns = watch.ns();
  traces.engine().lazy(false);
  if (!traces.engine().restore_thread())
    return {0, "a trial left the signal mask or the stack changed"};
  return counted(ns, rounds);
}

constexpr struct {
  std::string_view name;
  Measured (*run)(std::uint64_t rounds, Traces& traces);
} kBenchmarks[] = {
    {"BM_int3_floor", int3_floor},
    {"BM_tgkill_floor", tgkill_floor},
    {"BM_inject_direct", injection<Source::direct>},
    {"BM_inject_kill", injection<Source::kill>},
    {"BM_inject_itimer", injection<Source::itimer>},
    {"BM_inject_hwbreak", injection<Source::hwbreak>},
    {"BM_trial_contained", trial<Contain::place>},
    {"BM_trial_fork", trial<Contain::fork>},
    {"BM_inject_user", injection<Source::user>},
    {"BM_inject_user_write", user_write},
};

}  // namespace

std::vector<std::string_view> harness_benchmarks() {
  std::vector<std::string_view> names;
  for (const auto& benchmark : kBenchmarks) names.push_back(benchmark.name);
  return names;
}

Measured measure(std::string_view name, std::uint64_t rounds, Traces& traces) {
  for (const auto& benchmark : kBenchmarks) {
    if (benchmark.name == name) return benchmark.run(rounds, traces);
  }
  const auto own = traces.subject().benchmarks();
  for (unsigned i = 0; i < own.size(); i++) {
    if (own[i] != name) continue;
    const Stopwatch watch(kOwnWork);
    traces.subject().run_benchmark(i, rounds);
    return {watch.ns(), {}};
  }
  return {0, "this runner has no benchmark " + std::string(name)};
}

}  // namespace sigsweep
