// What a sweep came to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stress/host/boundary_map.h"
#include "stress/host/finding.h"
#include "stress/host/known.h"
#include "stress/host/results.h"

namespace sigsweep {

// An operation that is not ok with no signal at all.
struct BaselineProblem {
  std::string protocol, site, verdict, detail;
};

struct SweepResult {
  std::vector<CellRow> cells;
  // The first of each verdict in a cell; all kinds that are not expected.
  std::vector<ReportedTrial> examples;
  std::vector<BaselineProblem> without_signal;
  std::vector<OperationMap> maps;       // of each group, if the plan asks for them
  std::string harness_problem;          // why the sweep as a whole can't be believed; empty: it can
  std::size_t groups = 0;               // that are whole
  std::vector<std::string> unfinished;  // cells under way at the end, in words
  bool stopped = false;                 // by a signal: what is here is whole, but not all
  std::string cut_short;  // why the rest was not tried: too much has hung or died; else empty
  double seconds = 0;

  std::uint64_t pairs() const;  // trials of depth 2
  // Signals that landed, by source; and the seconds that runners spent on their cells.
  struct Landed {
    std::uint64_t signals = 0;
    double seconds = 0;
  };
  std::map<std::string, Landed> landed_by_source() const;
  // Of each stack the most that any runner used.
  std::map<std::string, StackUse> stacks() const;
  std::uint64_t unreached() const;
  std::uint64_t trials() const;
  std::uint64_t landed() const;
  // Of these, without the kernel (--inject user).
  std::uint64_t jumped() const;
  bool as_expected(const KnownFindings& known) const;
};

// "stacks used at most: NAME 1234 of 65536 bytes, ...": what --verbose prints.
std::string stacks_line(const SweepResult& result);

}  // namespace sigsweep
