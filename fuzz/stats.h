// What a target has done, for a watcher of its campaign: counters in a file. The file outlives a
// process that ends by a finding. The environment names the place: SIGSWEEP_STATS, a folder; a file
// a process.
#pragma once

#include <cstdint>

#include "fuzz/feedback.h"

namespace sigsweep::fuzz {

// The file's whole content; summary.py reads it. Plain numbers in this machine's byte order.
struct Stats {
  std::uint64_t execs;
  std::uint64_t operations;
  std::uint64_t requested;
  std::uint64_t landed;
  std::uint64_t unreached;
  std::uint64_t strays;                     // ASYNC=1: signals outside any plan
  std::uint64_t strays_landed;              // of those, in injectable code
  std::uint64_t rows;                       // of the feedback, so far
  std::uint8_t nesting[kFeedbackRows];      // of a row
  std::uint8_t was_covered[kFeedbackRows];  // 1: a signal has landed in that phase
};

// The counters of this process: in the file, or in memory if no file is wanted. A folder that can't
// be written ends the process with status 2.
Stats& stats();

}  // namespace sigsweep::fuzz
