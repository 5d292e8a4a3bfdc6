// Figures of storms with their error. Runs of the same kind are repetitions: what they say of each
// other's difference is the error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sigsweep {

// The median of repetitions. `low` to `high` holds the true median with 95 % or more, whatever the
// distribution is: the interval of the sign test. It needs six repetitions.
struct Figure {
  double median = 0, low = 0, high = 0;
  std::size_t repetitions = 0;
  bool has_interval = false;
  // Is it something other than 0? False without an interval.
  bool is_beyond_zero() const { return has_interval && (low > 0 || high < 0); }
};
inline constexpr std::size_t kLeastRepetitions = 6;
Figure figure_of(std::vector<double> repetitions);

// A quantile is told if so many samples lie beyond it: p99 needs 1,000, p99.9 needs 10,000.
inline constexpr double kLeastBeyond = 10;
bool is_told(std::uint64_t samples, double quantile);

// A run: a storm, or the same timers in a program without sigsweep.
struct StormRun {
  nlohmann::ordered_json row;  // kind storm or bare
  unsigned cpus = 1;           // that its process could use, at most one a thread
  std::size_t place = 0;       // in the order of the rows
};

// Runs that were asked for the same.
struct StormGroup {
  std::string program;  // "reject", "boost_context altstack", "bare, 4 timers"
  bool bare = false, held = false;
  unsigned threads = 1, rate = 0;  // rate: signals a second and thread, asked
  std::vector<StormRun> runs;
};

// In the order of their program, threads and rate. Rows of other kinds are passed over.
std::vector<StormGroup> storm_groups(const std::vector<nlohmann::ordered_json>& rows);
// That without signals, of the same program and threads; null: there is none.
const StormGroup* without_signals(const std::vector<StormGroup>& groups, const StormGroup& of);

double signals_a_second(const StormRun& run);
// Operations a second of the processor time that handlers left.
double work_a_second(const StormRun& run);
// The time of a processor, in us, that a signal takes from the program: its handler's own time,
// the kernel's, and the machine's. Each run is paired with the nearest one without signals.
Figure signal_cost(const StormGroup& with, const StormGroup& without);
// Of work_a_second, with signals by without.
Figure work_kept(const StormGroup& with, const StormGroup& without);
// By a value of each run.
Figure over_runs(const StormGroup& group, double (*value)(const StormRun&));

}  // namespace sigsweep
