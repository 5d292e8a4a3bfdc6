// A cell: one protocol, site and handler, a signal at every boundary, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "stress/runner/trial.h"

namespace sigsweep {

// May a trial of this protocol show that verdict? `handler_calls`: the handler enters a stub.
bool is_allowed(std::string_view allowed, Verdict verdict);
std::string_view allowed_verdicts(const Protocol& protocol, bool handler_calls);

struct CellRequest {
  unsigned protocol = 0;
  unsigned site = 0;
  unsigned handler = kNoHandler;
  Source source = Source::direct;
  int signal = 0;
  std::uint64_t seed = 0;
  std::string allowed;          // verdicts that are no finding
  std::set<unsigned> skip;      // boundaries at which a runner has died before
  std::uint64_t limit = ~0ULL;  // boundaries to do at most
};

// A trial worth telling of. Refers to the trial that has just been run.
struct Example {
  unsigned boundary;
  std::uint64_t seed;
  Judgement judgement;
  bool expected;       // its verdict is allowed
  std::string reason;  // why the prediction failed; empty: it did not
};

struct CellResult {
  std::uint64_t boundaries = 0, trials = 0, requested = 0, landed = 0, unreached = 0;
  std::uint64_t verdicts[kVerdicts] = {};
  std::uint64_t mismatches = 0;  // prediction against observation
  bool predicted = false;        // whether a prediction was made at all
  std::uint64_t map = 0;         // fingerprint of the verdict at each boundary
  double seconds = 0;
};

class CellSweeper {
 public:
  // Prepares for a (protocol, site): the trace, and the verdict with no signal at all. Empty, or
  // what is wrong with the harness (not with the subject).
  std::string prepare(unsigned protocol, unsigned site, std::uint64_t seed);

  const Trace& trace() const { return trace_; }
  const Judgement& without_signal() const { return baseline_; }

  // `starting(boundary)` before each trial; `example` for the first of each verdict in the cell,
  // and, for verdicts that are not allowed, of each (verdict, phase); `at` after each trial.
  struct Listener {
    std::function<void(unsigned boundary)> starting;
    std::function<void(const Example&)> example;
    std::function<void(unsigned boundary, const Judgement&)> at;
  };
  CellResult run(const CellRequest& request, const Listener& listener);

  // The plan of one trial of a cell.
  Plan plan_for(const CellRequest& request, unsigned boundary, std::uint64_t seed) const;

 private:
  std::string mismatch(const CellRequest& request, unsigned boundary, const Judgement& judgement,
                       const Observation& seen) const;

  Trace trace_;
  Judgement baseline_;
};

}  // namespace sigsweep
