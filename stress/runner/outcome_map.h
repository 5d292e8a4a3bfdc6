// What a cell's signal came to at each point, packed: one record a cell instead of one a trial.
#pragma once

#include <string>
#include <vector>

#include "stress/campaign/cell.h"

namespace sigsweep {

class OutcomeMap {
 public:
  // A row for each first boundary, a column for each second one; Form::single has one column.
  OutcomeMap(std::size_t rows, std::size_t columns) : columns_(columns), at_(rows * columns) {}

  void add(const Point& point, const Judgement& judgement);
  void clear();  // all that was added is void

  // A record `outcome` for each distinct one, then a record `map` with the number of the outcome at
  // each point, row by row: 1 is the first outcome, 0 a point that was not run.
  void send(const Subject& subject, const std::string& handler) const;

 private:
  struct Kind {
    Verdict verdict;
    SlotMask slots;
    std::string detail;
    bool judged;
    bool is(const Judgement& j) const {
      return verdict == j.verdict && slots == j.slots && detail == (j.detail ? j.detail : "");
    }
  };

  std::size_t columns_;
  std::vector<unsigned> at_;
  std::vector<Kind> kinds_;
  unsigned last_ = 0;  // number of the outcome that was added last: the next is mostly the same
};

}  // namespace sigsweep
