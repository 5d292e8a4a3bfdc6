// Feedback for assembly, where coverage is blind: (protocol, phase, verdict, nesting), to the
// engine that drives the process.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "fuzz/counters.h"
#include "stress/base/fuzz_counters.h"
#include "stress/oracle/oracle.h"

namespace sigsweep::fuzz {

class Feedback {
 public:
  // The row of a protocol's phase, by its head. Processes that ask for the same rows in the same
  // order get the same numbers, which libFuzzer's -merge and -fork rely on.
  unsigned row(unsigned protocol, unsigned nesting, const std::string& head);
  unsigned nesting(unsigned row) const { return nestings_[row]; }
  unsigned rows() const { return static_cast<unsigned>(rows_.size()); }

  // A new input begins. The room for its notes is made beforehand, and never cleared. Otherwise an
  // engine would see inputs run differently after other inputs.
  void begin() { count_ = 0; }
  void make_room(std::size_t notes) { noted_.resize(notes); }
  // The input has shown that. The last verdict of a row counts. REQUIRES: there is room.
  void note(unsigned row, Verdict verdict);
  // The notes of this input so far, in order: row and verdict.
  std::span<const std::pair<unsigned, Verdict>> noted() const { return {noted_.data(), count_}; }

 private:
  std::map<std::tuple<unsigned, unsigned, std::string>, unsigned> rows_;
  std::vector<unsigned> nestings_;
  std::vector<std::pair<unsigned, Verdict>> noted_;
  std::size_t count_ = 0;
};

}  // namespace sigsweep::fuzz
