// One storm in this process: Ms, Gs and sources, from start to end.
#pragma once

#include <functional>
#include <string>

#include "stress/storm/state.h"
#include "stress/storm/work.h"

namespace sigsweep::storm {

struct Quantiles {  // ns
  std::uint64_t count, p50, p99, p999, max;
};

// What all Ms have counted so far.
struct Totals {
  double seconds;
  std::uint64_t sent[kAsyncs], delivered[kAsyncs], overruns[kAsyncs], pending[kAsyncs];
  std::uint64_t operations[kMixes];
  std::uint64_t legal, calls, rejected, ran, handler_clobbered, nested, wrong_stack, no_progress,
      backoffs;
  double handler_seconds;         // within handlers, of all Ms
  std::uint64_t first_violation;  // ns; 0: none
  std::uint64_t verdicts[kVerdicts];
  Quantiles latency, entry;  // of an operation of mix slots; from sending to the handler
  GCount gs;
  std::uint64_t collections;
};

struct Listener {
  std::function<void(const Totals&)> tick;          // every 100 ms
  std::function<void(const Violation&)> violation;  // each that is kept, at the next tick
};

// Runs `config` to its end. Empty, or why it can't be run or did not end; `totals` are whole in
// either case. REQUIRES: once a process.
std::string run(const Config& wanted, const Listener& listener, Totals* totals);

// Bytes that an alternate stack must have at least.
std::size_t least_altstack(bool nest);

}  // namespace sigsweep::storm
