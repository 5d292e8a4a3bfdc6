// Each benchmark asks the runner that it belongs to for rounds of a name and reports them as manual
// time: floors and peers in the same run as what is measured against them. Quote ratios.
#include "stress/host/commands/bench.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stress/host/night_rows.h"
#include "stress/host/results.h"

namespace sigsweep {
namespace {

// The runners with benchmarks of their own, in the order of the report. Two are no subjects: "storm"
// is many threads of the first subject, "peers" other libraries' switches.
constexpr const char* kLanes[] = {"onm", "storm", "peers"};

struct BenchmarkName {
  std::string name;
  bool own = false;     // the subject's; else the harness's, which any runner measures
  std::string missing;  // why the runner was built without it; empty: it has it
};

// One subject's runner and what it measures, or why there is none.
struct Lane {
  std::optional<Session> session;
  std::vector<BenchmarkName> benchmarks;
  std::string missing;
};

class Lanes {
 public:
  // Throws Failure(kSkipped) where the runner of --subject is missing.
  explicit Lanes(const Options& options) : options_(options) {
    open(options_.subject);
    if (const Lane* own = of(options_.subject); !own->session)
      throw Failure(kSkipped, own->missing);
    for (const char* subject : kLanes) open(subject);
  }

  Lane* of(const std::string& subject) { return &lanes_.at(subject); }
  // What is left out, and why; empty: nothing.
  std::string missing() const {
    std::string all;
    const auto add = [&](const std::string& what, const std::string& why) {
      if (!why.empty()) all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", what, why);
    };
    for (const auto& [subject, lane] : lanes_) {
      add("the benchmarks of " + subject, lane.missing);
      for (const BenchmarkName& b : lane.benchmarks) add(b.name, b.missing);
    }
    return all;
  }
  // The lanes whose own benchmarks are reported: those that are always there, and --subject's.
  std::vector<std::string> in_order() const {
    std::vector<std::string> order(std::begin(kLanes), std::end(kLanes));
    if (std::ranges::find(order, options_.subject) == order.end())
      order.push_back(options_.subject);
    return order;
  }
  // A runner died: what was measured with it is lost.
  std::string death;

 private:
  void open(const std::string& subject) {
    const auto [at, is_new] = lanes_.try_emplace(subject);
    if (!is_new) return;
    Lane& lane = at->second;
    Options options = options_;
    options.subject = subject;
    if (subject != options_.subject) {
      options.runner.clear();
      options.adapter.clear();
    }
    try {
      lane.session.emplace(open_session(options));
    } catch (const Failure& failure) {
      if (failure.status != kSkipped) throw;
      lane.missing = failure.what();
      return;
    }
    lane.benchmarks = names_from(lane.session->runner.get());
  }

  static std::vector<BenchmarkName> names_from(RunnerProcess* runner) {
    std::vector<BenchmarkName> names;
    const Outcome outcome = runner->command(Record("bench"), [&](const Record& r) {
      names.push_back({r.text("name"), r.number("own") != 0, r.text("missing")});
    });
    if (outcome.kind == Outcome::stopped) throw Failure(kStopped, "stopped");
    if (outcome.kind != Outcome::done) throw Failure(kHarnessFailed, outcome.message);
    return names;
  }

  const Options& options_;
  std::map<std::string, Lane> lanes_;
};

// All rounds in one request.
void measure(benchmark::State& state, Lanes* lanes, Lane* lane, const BenchmarkName* measured) {
  const std::string& name = measured->name;
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

void register_those(Lanes* lanes, const std::string& subject, bool own) {
  Lane* const lane = lanes->of(subject);
  for (const BenchmarkName& b : lane->benchmarks) {
    if (b.own != own || !b.missing.empty()) continue;
#ifndef __clang_analyzer__  // it does not see that Google Benchmark keeps what is registered
    benchmark::RegisterBenchmark(b.name.c_str(), measure, lanes, lane, &b)->UseManualTime();
#endif
  }
}

// What the reader of the JSON must know, and Google Benchmark does not say.
void add_provenance(const Options& options) {
  const MachineFacts here = machine();
  benchmark::AddCustomContext("sigsweep", version());
  benchmark::AddCustomContext("build", build_description());
  benchmark::AddCustomContext("isa", options.isa);
  benchmark::AddCustomContext("kernel", here.kernel);
  benchmark::AddCustomContext("cpu", here.cpu);
  // As in the rows of a night: times of machines with other features are not compared.
  benchmark::AddCustomContext("features",
                              fmt::format("{}", fmt::join(night_machine(here).features, "\n")));
  benchmark::AddCustomContext("command", options.command_line);
}

// Google Benchmark ends the process with status 1 if it cannot write its file.
void need_output(const std::vector<std::string>& flags) {
  constexpr std::string_view kOut = "--benchmark_out=";
  for (const std::string& flag : flags) {
    if (!flag.starts_with(kOut)) continue;
    const std::string file = flag.substr(kOut.size());
    if (std::FILE* const out = std::fopen(file.c_str(), "a")) {
      std::fclose(out);
      continue;
    }
    throw Failure(kHarnessFailed,
                  fmt::format("{}: cannot be written: {}", file, std::strerror(errno)));
  }
}

}  // namespace

int bench_command(const Options& options) {
  need_output(options.benchmark_flags);
  print_provenance(options);
  std::vector<std::string> flags{"sigsweep bench", "--benchmark_min_time=0.1"};  // a default
  flags.insert(flags.end(), options.benchmark_flags.begin(), options.benchmark_flags.end());
  std::vector<char*> argv;
  argv.reserve(flags.size());
  for (std::string& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (benchmark::ReportUnrecognizedArguments(argc, argv.data())) return kUsage;
  if (const char* emulator = emulator_of(options.isa); emulator != nullptr) {
    throw Failure(kSkipped, fmt::format("skipped: {} runs isa {} here: emulated times mean nothing",
                                        emulator, options.isa));
  }
  add_provenance(options);
  Lanes lanes(options);
  const std::string missing = lanes.missing();
  if (!missing.empty()) {
    fmt::print(stderr, "sigsweep: left out: {}\n", missing);
    benchmark::AddCustomContext("left_out", missing);
  }
  for (const std::string& subject : lanes.in_order()) register_those(&lanes, subject, true);
  register_those(&lanes, options.subject, false);
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (ran == 0 && missing.empty()) throw Failure(kUsage, "no benchmark of that name");
  if (ran == 0) throw Failure(kSkipped, "no benchmark of that name; left out: " + missing);
  if (stop_requested) throw Failure(kStopped, "stopped");
  if (!lanes.death.empty()) throw Failure(kHarnessFailed, lanes.death);
  return kAsExpected;
}

}  // namespace sigsweep
