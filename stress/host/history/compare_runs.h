// Two runs of a history, one against the other.
#pragma once

#include "stress/host/history/query.h"

namespace sigsweep {

enum class Contrast { fresh, gone, slower, not_run, no_work, not_judged };
inline constexpr const char* kContrastNames[] = {"new",     "gone",        "slower",
                                                 "not run", "did no work", "not judged"};

struct ContrastRow {
  Contrast what;
  std::string subject;  // finding, claim, storm, part, cells, benchmark
  std::string name;     // the finding's id, the claim's number and ISA...
  std::string text;     // for a person
  bool fails = false;   // it makes compare end with status 1
  std::optional<SlowerRow> times = {};
};

struct RunContrast {
  StoredRun before, now;
  std::vector<ContrastRow> rows;  // by Contrast
  std::size_t times_judged = 0;

  std::size_t count(Contrast what) const;
  bool fails() const;
};

// new: a finding that `before` did not show, a claim that held and does not, a storm that went as
//      expected and did not. A finding that is acknowledged does not fail.
// gone: the reverse; only where `now` did what could have shown it.
// slower: see benchmarks.h; only of like machines.
// not run, did no work: parts, claims and cells of `before`, and what it had found, of which `now`
//      tells nothing; parts of `now` that did nothing.
RunContrast contrast(SQLite::Database* db, const std::string& before, const std::string& now);

}  // namespace sigsweep
