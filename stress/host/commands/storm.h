// `sigsweep storm`: many Ms under signals that come when they like, in a process of its own that
// may die of it; and what of that goes back into the exact lane.
#pragma once

#include <string>
#include <vector>

#include "stress/host/options.h"
#include "stress/host/results.h"

namespace sigsweep {

// What to run. Defaults: a storm of claim 12.
struct StormPlan {
  std::string protocol = "reject";
  std::vector<std::string> handlers;
  unsigned ms = 4, gs = 256;
  double seconds = 10;
  std::uint64_t rate = 50000;  // signals a second of a source, for each M where it is the M's
  std::vector<std::string> sources{"itimer", "timer", "kill", "flood", "sigqueue"};
  std::vector<std::string> mixes{"alloc", "sched", "gc", "slots"};
  bool nest = false;
  bool hold_rate = false;
  std::uint64_t altstack = 0;  // bytes; 0: what the runtime takes
  std::uint64_t throws = 0;    // real ones, in children, meanwhile
  std::uint64_t seed = 1;
};

struct StormResult {
  StormRow row;
  std::vector<Record> violations;        // those that the storm kept, in the runner's own account
  std::string death;                     // how its process died; empty: it did not
  std::uint64_t made = 0, finished = 0;  // Gs
  std::uint64_t throws = 0, bad_throws = 0;
  std::string bad_throw;        // the first: what was wrong with it, and what it printed
  std::string finding;          // what is not as the protocol promises; empty: nothing
  std::string harness_problem;  // why this can't be believed; empty: it can
  bool stopped = false;
};

// The storm's runner that goes with a runner of the exact lane.
std::string storm_runner(const Session& session);

// Runs it. Throws Failure: kSkipped where its runner is not built, kUsage for what can't be.
StormResult run_storm(const Session& session, const StormPlan& plan);

// The table: what was sent and arrived, the confusion matrix, what it cost.
std::string render_storm(const StormResult& result);

// "500ms", "10s", "2m" or plain seconds, in seconds. Throws Failure(kUsage).
double parse_duration(const std::string& text);

int storm_command(const Options& options);

}  // namespace sigsweep
