// Times of `sigsweep bench` in a history, and whether a run is slower than another.
//
// Only ratios mean something: a benchmark's time is divided by that of its peer in the same process.
// Only processes count as repetitions: where the kernel puts a process's code and stacks is worth up
// to a half of a switch, and so repetitions within one process are not independent. Of these the
// least counts, because what else runs on the machine only adds.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sigsweep {

// One process's time of one benchmark.
struct BenchmarkTime {
  std::string part, isa, name;
  unsigned process = 0;  // counted from 0, within the run
  double ns = 0;
};

// Is it JSON of Google Benchmark?
bool is_benchmark_json(const nlohmann::ordered_json& json);

// The times in one file: of one process, or of several that results/ratios.py has put together.
// `process`: the number of the next process; it is counted on. Throws nlohmann's exceptions for a
// file that is not so.
std::vector<BenchmarkTime> benchmark_times(const nlohmann::ordered_json& json,
                                           const std::string& part, unsigned* process);

using Peers = std::vector<std::string>;  // their times are added up
// The times of one benchmark, divided by those of its peers: one ratio a process.
struct BenchmarkRatios {
  std::string isa, name;
  Peers peers;
  std::vector<double> ratios;  // not empty
};
// Those of each benchmark that was measured with its peers.
std::vector<BenchmarkRatios> ratios_by_peers(const std::vector<BenchmarkTime>& times);

// What a benchmark is judged by, of those that were measured; empty: nothing.
std::vector<Peers> peers_of(const std::string& name, const std::vector<std::string>& measured);

inline constexpr std::size_t kLeastProcesses =
    7;  // with fewer, chance alone may look like less than kMostChance
inline constexpr double kLeastEffect = 1.05;  // slower by less is not told
inline constexpr double kMostChance = 0.001;  // of a run that is not slower

struct SlowerRow {
  std::string isa, name;
  Peers peers;
  double before = 0, now = 0;  // the medians of the ratios
  double chance = 1;           // that it is not slower by kLeastEffect
  std::size_t processes_before = 0, processes_now = 0;
};

struct TimesCompared {
  std::vector<SlowerRow> slower;
  std::vector<std::string> not_judged;  // why, and which
  std::size_t judged = 0;
};

// REQUIRES: both are of like machines.
TimesCompared compare_times(const std::vector<BenchmarkTime>& before,
                            const std::vector<BenchmarkTime>& now);

}  // namespace sigsweep
