// Feedback for libFuzzer where coverage is blind, in assembly: (protocol, phase, verdict), one
// extra counter each.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "stress/runner/oracle.h"

namespace sigsweep::fuzz {

class Feedback {
 public:
  // The row of a protocol's phase (without #n). Processes that ask for the same rows in the same
  // order get the same numbers, which libFuzzer's -merge and -fork rely on.
  unsigned row(unsigned protocol, std::string_view phase);
  // This input has shown that. The last verdict of a row counts.
  static void note(unsigned row, Verdict verdict);

 private:
  std::map<std::pair<unsigned, std::string>, unsigned> rows_;
};

}  // namespace sigsweep::fuzz
