// Each benchmark asks the runner that it belongs to for rounds of a name and reports them as manual
// time: floors and peers in the same run as what is measured against them. Quote ratios.
#include "stress/host/commands/bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <map>
#include <optional>

#include "stress/host/results.h"

namespace sigsweep {
namespace {

constexpr const char* kAnySubject = "";  // measured by the runner of --subject
// "storm" is no subject but a runner of its own: subject onm on many Ms.

// The names are a contract: history and reports go by them.
constexpr struct {
  const char* name;
  const char* subject;
} kBenchmarks[] = {
    {"BM_call", "onm"},
    {"BM_onM_curg", "onm"},
    {"BM_onM_g0", "onm"},
    {"BM_onM_signalok_gsignal", "onm"},
    {"BM_signalok_saved", "onm"},
    {"BM_closure_gsignal", "onm"},
    {"BM_systemstack_curg", "onm"},
    {"BM_mcall_gogo", "onm"},
    {"BM_onM_floor", "onm"},
    {"BM_mcall_floor", "onm"},
    {"BM_gosched", "storm"},
    {"BM_park_ready", "storm"},
    {"BM_malloc_small", "storm"},
    {"BM_malloc_large", "storm"},
    {"BM_gc", "storm"},
    {"BM_fcontext_two_jumps", "fcontext"},
    {"BM_swapcontext_two", "fcontext"},
    {"BM_int3_floor", kAnySubject},
    {"BM_tgkill_floor", kAnySubject},
    {"BM_inject_direct", kAnySubject},
    {"BM_inject_kill", kAnySubject},
    {"BM_inject_itimer", kAnySubject},
    {"BM_inject_hwbreak", kAnySubject},
    {"BM_trial_contained", kAnySubject},
    {"BM_trial_fork", kAnySubject},
};

// One subject's runner, or why there is none.
struct Lane {
  std::optional<Session> session;
  std::string missing;
};

class Lanes {
 public:
  explicit Lanes(const Options& options) : options_(options) {}

  Lane* of(const std::string& subject) {
    auto [at, is_new] = lanes_.try_emplace(subject.empty() ? options_.subject : subject);
    if (is_new) open(at->first, &at->second);
    return &at->second;
  }
  // A runner died: what was measured with it is lost.
  std::string death;

 private:
  void open(const std::string& subject, Lane* lane) const {
    Options options = options_;
    options.subject = subject;
    if (subject != options_.subject) options.runner.clear();
    try {
      lane->session.emplace(open_session(options));
    } catch (const Failure& failure) {
      if (failure.status != kSkipped) throw;
      lane->missing = failure.what();
    }
  }

  const Options& options_;
  std::map<std::string, Lane> lanes_;
};

// All rounds in one request.
void measure(benchmark::State& state, Lanes* lanes, Lane* lane, const char* name) {
  if (!lane->session) {
    state.SkipWithError(lane->missing.c_str());
    return;
  }
  const auto rounds = static_cast<std::uint64_t>(state.max_iterations);
  double ns = 0;
  Record command("bench");
  command.add("name", name).add("rounds", rounds);
  const Outcome outcome = lane->session->runner->command(
      command, [&](const Record& r) { ns = std::stod(r.text("ns")); });
  if (outcome.kind != Outcome::done) {
    if (outcome.kind != Outcome::trouble)
      lanes->death = fmt::format("{}: {}", name, outcome.message);
    state.SkipWithError(outcome.message.c_str());
    return;
  }
  while (state.KeepRunningBatch(state.max_iterations)) state.SetIterationTime(ns * 1e-9);
}

// What the reader of the JSON must know, and Google Benchmark does not say.
void add_provenance(const Options& options) {
  const Machine here = machine();
  benchmark::AddCustomContext("sigsweep", version());
  benchmark::AddCustomContext("build", build_description());
  benchmark::AddCustomContext("isa", options.isa);
  benchmark::AddCustomContext("kernel", here.kernel);
  benchmark::AddCustomContext("cpu", here.cpu);
  benchmark::AddCustomContext("command", options.command_line);
}

}  // namespace

int bench_command(const Options& options) {
  print_provenance(options);
  std::vector<std::string> flags{"sigsweep bench", "--benchmark_min_time=0.1"};  // a default
  flags.insert(flags.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  std::vector<char*> argv;
  argv.reserve(flags.size());
  for (std::string& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (benchmark::ReportUnrecognizedArguments(argc, argv.data())) return kUsage;
  add_provenance(options);
  Lanes lanes(options);
  if (!lanes.of(kAnySubject)->session) throw Failure(kSkipped, lanes.of(kAnySubject)->missing);
  for (const auto& [name, subject] : kBenchmarks) {
    benchmark::RegisterBenchmark(name, measure, &lanes, lanes.of(subject), name)->UseManualTime();
  }
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (ran == 0) throw Failure(kUsage, "no benchmark of that name");
  if (stop_requested) throw Failure(kStopped, "stopped");
  if (!lanes.death.empty()) throw Failure(kHarnessFailed, lanes.death);
  return kAsExpected;
}

}  // namespace sigsweep
