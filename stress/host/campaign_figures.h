// What the targets of a campaign have counted (stress/base/fuzz_counters.h), and the course of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stress/base/fuzz_counters.h"

namespace sigsweep {

struct Figures {
  std::uint64_t execs = 0, operations = 0, requested = 0, landed = 0, unreached = 0;
  std::uint64_t strays = 0, strays_landed = 0;
  struct Phases {
    std::uint64_t covered = 0, all = 0;
  };
  Phases phases[fuzz::kNestings];  // in operations, in handlers, in handlers' handlers
  // What a target counts that lands no signals.
  std::vector<std::pair<std::string, std::uint64_t>> own;

  std::uint64_t covered() const;
  // Did no input do anything that a target counts by itself?
  bool is_idle() const;
};

// The sum of a folder's files of counters. Empty, and why: one is no such file, as while it is
// being made.
std::optional<Figures> read_figures(const std::string& folder, std::string* why);
// One line, of so many seconds.
std::string line_of(const Figures& figures, double seconds);

struct CoursePoint {
  double seconds = 0;
  std::uint64_t execs = 0, covered = 0;
};

// Phases and rate over time. `slow`: the last quarter ran at less than a tenth of the usual rate,
// which is that of the best quarter.
struct CampaignCourse {
  std::string phases, rates;  // a line each; of a short campaign there are no rates
  bool slow = false;
};
CampaignCourse course_of(const std::vector<CoursePoint>& points);

// The course as AFL++'s plot_data, for afl-plot: of any engine. Edges are phases; what a campaign does
// not count is 0.
std::string plot_data(const std::vector<CoursePoint>& points);

}  // namespace sigsweep
