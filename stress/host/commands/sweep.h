// Sweeps: every boundary of every cell that is selected, in runners that may die.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stress/host/finding.h"
#include "stress/host/options.h"
#include "stress/host/results.h"

namespace sigsweep {

// Cells that one command of a runner does: a protocol, a site and a form, with these handlers.
struct CellGroup {
  std::string protocol, site, form;
  std::vector<std::string> handlers;
  std::string inject;  // the source of the signals; empty: the plan's
};

// What to sweep, by name.
struct SweepPlan {
  std::vector<CellGroup> groups;
  std::string inject = "direct", contain = "place";
  bool no_red_zone = false;
  std::uint64_t seed = 1;
  std::map<std::string, Verdict> assumed;  // protocol -> the only verdict allowed
  std::uint64_t sample = 0;  // pairs of a cell that are drawn, from the seed; 0: all of them
};

// Adds the cells of a protocol with every site given.
void add_cells(const std::string& protocol, const std::vector<std::string>& sites,
               const std::vector<std::string>& forms, const std::vector<std::string>& handlers,
               SweepPlan* plan);
std::vector<std::string> forms_of(unsigned depth);
// One handler for each distinct set of slots that handlers write under this protocol: what stands
// for all of them where two signals meet. design.md, "Depth 2 means".
std::vector<std::string> distinct_handlers(const Session& session, const std::string& protocol);

// An operation that is not ok with no signal at all.
struct BaselineProblem {
  std::string protocol, site, verdict, detail;
};

struct SweepResult {
  std::vector<CellRow> cells;
  // The first of each verdict in a cell; all kinds that are not expected.
  std::vector<Example> examples;
  std::vector<BaselineProblem> without_signal;
  std::string harness_problem;  // why the sweep as a whole can't be believed; empty: it can
  bool stopped = false;         // by a signal: what is here is whole, but not all
  std::string cut_short;        // why the rest was not tried: too much has hung or died; else empty
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
  bool as_expected(const KnownFindings& known) const;
};

// Runs it with options.jobs runners. Each cell is written as it comes.
SweepResult sweep(const Session& session, const SweepPlan& plan, ResultsWriter* writer);

// Does what writes a results file's rows, then writes its last: the status that it came to, however
// it ended. Returns that, or throws on what it threw.
int write_to_end(ResultsWriter* writer, const std::function<int()>& work);

// "stacks used at most: NAME 1234 of 65536 bytes, ...": what --verbose prints.
std::string stacks_line(const SweepResult& result);

// `sigsweep sweep`.
int sweep_command(const Options& options);

// The signal that goes with a source: SIGALRM for itimer, else SIGPROF.
std::string signal_for(const std::string& inject);

}  // namespace sigsweep
