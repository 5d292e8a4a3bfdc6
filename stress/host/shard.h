// Shards: a sweep in parts of like work, for more than one machine. docs/many-machines.md.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stress/host/sweep_plan.h"

namespace sigsweep {

// One of `count` parts of a run, counted from 1.
struct Shard {
  unsigned index = 1;
  unsigned count = 1;
  std::string source;  // the variable that gave the index, and its value; empty: the flag did

  std::string text() const { return std::to_string(index) + "/" + std::to_string(count); }
};

// "i/n", or "auto/n": then the index comes from the engine that started this process, by one of the
// variables of docs/many-machines.md. Throws Failure(kUsage).
Shard parse_shard(const std::string& text);

// "1,4-6 of 16": in the form that `sbatch --array=` takes, up to " of". REQUIRES: in order.
std::string list_of_shards(std::span<const unsigned> indices, unsigned count);

struct SweepPart {
  SweepPlan plan;
  // A hash of how many points each cell of the whole run has. Shards that differ in it were not cut
  // from one run: a library's code may be another on another machine.
  std::string points_of_all;
};

// The shard's part of the plan. Every shard of a run comes to the same parts: each cell goes, the
// largest first, to the part that has the fewest points so far. A runner counts the points.
SweepPart part_of(const Session& session, const SweepPlan& plan, const Shard& shard);

}  // namespace sigsweep
