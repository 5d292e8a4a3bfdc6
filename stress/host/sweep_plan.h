// What a sweep is to try: groups of cells, by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stress/host/options.h"

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
  bool per_boundary = false;               // the outcome at each boundary is kept, and written
  std::uint64_t sample = 0;  // pairs of a cell that are drawn, from the seed; 0: all of them
};

// Adds the cells of a protocol with every site given.
void add_cells(const std::string& protocol, const std::vector<std::string>& sites,
               const std::vector<std::string>& forms, const std::vector<std::string>& handlers,
               SweepPlan* plan);
std::vector<std::string> forms_of(unsigned depth);
// One handler for each distinct set of slots that handlers write under this protocol: what stands
// for all of them where two signals meet. docs/claims.md, "What each claim means".
std::vector<std::string> distinct_handlers(const Session& session, const std::string& protocol);

// The signal that goes with a source: SIGALRM for itimer, else SIGPROF.
std::string signal_for(const std::string& inject);

}  // namespace sigsweep
