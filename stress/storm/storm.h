// One storm in this process: threads, tasks and sources, from start to end.
#pragma once

#include <functional>
#include <string>

#include "stress/storm/workload.h"

namespace sigsweep::storm {

struct Quantiles {  // ns
  std::uint64_t count, p50, p99, p999, max;
};

// The counts of all threads so far.
struct Totals {
  double seconds;
  std::uint64_t sent[kAsyncs], delivered[kAsyncs], overruns[kAsyncs], pending[kAsyncs];
  std::uint64_t operations[kMaxMixes];
  std::uint64_t nested, wrong_stack, no_progress, backoffs;
  double handler_seconds;         // within handlers, of all threads
  std::uint64_t first_violation;  // ns; 0: none
  std::uint64_t verdicts[kVerdicts];
  Quantiles latency, entry;   // of an operation; from sending to the handler
  std::vector<Count> counts;  // the workload's
};

struct Listener {
  std::function<void(const Totals&)> tick;          // every 100 ms
  std::function<void(const Violation&)> violation;  // each kept one, at the next tick
};

// Runs `wanted` to its end. Empty, or why it can't be run or did not end; `totals` are whole in
// either case. REQUIRES: called once in a process.
std::string run(Workload* workload, const Config& wanted, const Listener& listener, Totals* totals);

// The workload's label for a name, or the name itself.
std::string label(const Workload& workload, std::string_view name);

// The storm's process, under which this workload runs: main.cc says what it reads and writes.
int storm_main(int argc, char** argv, Workload* workload);

// The least bytes of an alternate stack.
std::size_t least_altstack(bool nest);

}  // namespace sigsweep::storm
