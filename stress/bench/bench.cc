// Each benchmark asks the runner for rounds of a name and reports them as manual time, floors and
// what is measured against them in one run: quote ratios.
#include "stress/bench/bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace sigsweep {
namespace {

constexpr std::uint64_t kRounds = 2000;  // a request: enough that the pipe costs nothing

constexpr const char* kBenchmarks[] = {"BM_int3_floor", "BM_inject_direct"};

void measure(benchmark::State& state, RunnerProcess* runner, const char* name) {
  while (state.KeepRunning()) {
    double ns = -1;
    Record command("bench");
    command.add("name", name).add("rounds", kRounds);
    const Outcome outcome =
        runner->command(command, [&](const Record& r) { ns = std::stod(r.text("ns")); });
    if (outcome.kind != Outcome::done || ns < 0) {
      state.SkipWithError(outcome.message.c_str());
      return;
    }
    state.SetIterationTime(ns * 1e-9);  // of one round
  }
}

}  // namespace

int bench_command(const Options& options) {
  const Session session = open_session(options);
  print_provenance(options);
  std::vector<std::string> flags{"sigsweep bench"};
  flags.insert(flags.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  std::vector<char*> argv;
  argv.reserve(flags.size());
  for (std::string& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (benchmark::ReportUnrecognizedArguments(argc, argv.data())) return kUsage;
  for (const char* name : kBenchmarks) {
    benchmark::RegisterBenchmark(name, measure, session.runner.get(), name)
        ->UseManualTime()
        ->Iterations(100);
  }
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (ran == 0) throw Failure(kUsage, "no benchmark of that name");
  return kAsExpected;
}

}  // namespace sigsweep
