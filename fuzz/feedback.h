// Feedback where coverage is blind, in assembly: (protocol, phase, verdict, nesting), to whichever
// engine drives the process.
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

  // A new input begins. Room for all the notes of an input is made beforehand, and never cleared,
  // or an engine would see inputs run otherwise by what came before them.
  void begin() { count_ = 0; }
  void make_room(std::size_t notes) { noted_.resize(notes); }
  // It has shown that. The last verdict of a row counts. REQUIRES: there is room.
  void note(unsigned row, Verdict verdict);
  // What it has shown so far, in order: row and verdict.
  std::span<const std::pair<unsigned, Verdict>> noted() const { return {noted_.data(), count_}; }

 private:
  std::map<std::tuple<unsigned, unsigned, std::string>, unsigned> rows_;
  std::vector<unsigned> nestings_;
  std::vector<std::pair<unsigned, Verdict>> noted_;
  std::size_t count_ = 0;
};

}  // namespace sigsweep::fuzz
