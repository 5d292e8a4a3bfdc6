// Feedback where coverage is blind, in assembly: (protocol, phase, verdict, nesting), to whichever
// engine drives the process.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "stress/runner/oracle.h"

namespace sigsweep::fuzz {

// How deep a signal landed: in an operation, in a handler, in a handler's handler or deeper.
inline constexpr unsigned kNestings = 3;

inline constexpr unsigned kFeedbackRows = 2048;

class Feedback {
 public:
  // The row of a protocol's phase (without #n). Processes that ask for the same rows in the same
  // order get the same numbers, which libFuzzer's -merge and -fork rely on.
  unsigned row(unsigned protocol, unsigned nesting, std::string_view phase);
  unsigned nesting(unsigned row) const { return nestings_[row]; }
  unsigned rows() const { return static_cast<unsigned>(rows_.size()); }

  // A new input begins. Room for all the notes of an input is made beforehand, or an engine would
  // see those inputs run otherwise that need more than any before.
  void begin() { noted_.clear(); }
  void make_room(std::size_t notes) { noted_.reserve(notes); }
  // It has shown that. The last verdict of a row counts.
  void note(unsigned row, Verdict verdict);
  // What it has shown so far, in order: row and verdict.
  const std::vector<std::pair<unsigned, Verdict>>& noted() const { return noted_; }

 private:
  std::map<std::tuple<unsigned, unsigned, std::string>, unsigned> rows_;
  std::vector<unsigned> nestings_;
  std::vector<std::pair<unsigned, Verdict>> noted_;
};

}  // namespace sigsweep::fuzz
