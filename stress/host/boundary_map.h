// What a signal came to at every boundary of an operation: as the runner sends it, and as rows of a
// results file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "stress/account/account.h"
#include "stress/base/wire.h"
#include "stress/host/disassembly.h"

namespace sigsweep {

struct BoundaryOutcome {
  std::string verdict, slots = "-", detail;
  bool allowed = true;
  bool judged = true;  // ok: else a backtrace is, of which nobody can tell if it is right
};

// One handler's: at each boundary, or at each pair of boundaries.
struct CellMap {
  std::string handler;
  std::vector<BoundaryAccount> inner;  // form nested: the handler's own boundaries
  std::vector<BoundaryOutcome> outcomes;
  // A row for each boundary of the operation, a column for each second boundary (form single: one).
  // The number of its outcome, counted from 1; 0: not run.
  std::size_t columns = 1;
  std::vector<std::size_t> at;

  const BoundaryOutcome* outcome(std::size_t row, std::size_t column = 0) const;
  // A trial that ended its runner. REQUIRES: the point is one of this cell.
  void book(std::uint64_t point, const std::string& verdict);
};

struct OperationMap {
  std::string isa, protocol, site, form, inject, contain;
  std::vector<BoundaryAccount> boundaries;
  std::vector<CellMap> cells;
};

// Takes the records of a runner's answer to `sweep` with map=1.
class MapReader {
 public:
  void take(const Record& record);
  std::vector<BoundaryAccount> boundaries;
  CellMap cell;  // the one whose records came last
};

// The instructions of a runner and of the files that it loads, by boundary.
class Listing {
 public:
  Listing(const std::string& runner_path, const std::vector<ModuleSpec>& modules)
      : code_(runner_path, modules) {}
  const std::string& at(const BoundaryAccount& boundary);  // "?" where there is none

 private:
  using Function = std::map<std::uint64_t, std::string>;  // by offset
  Disassemblers code_;
  std::map<std::pair<std::string, std::string>, Function> functions_;  // by module and symbol
};

// Rows of a results file: `boundary`, one for each boundary of the operation; at depth 2 `matrix`,
// one for each cell.
std::vector<std::string> rows_of(const OperationMap& map, Listing* listing);

}  // namespace sigsweep
