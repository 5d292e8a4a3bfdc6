// Progress on standard error: a bar with an estimate on a terminal that takes escape codes (TERM is
// set, and not dumb), a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sigsweep {

class ProgressBar {
 public:
  ProgressBar(std::string what, std::uint64_t total);
  ~ProgressBar();  // takes the bar away
  void step(std::uint64_t done, const std::string& note = {});

 private:
  std::string what_;
  std::uint64_t total_;
  bool terminal_;
  std::chrono::steady_clock::time_point started_, shown_;
};

// Colours, only on such a terminal and only if NO_COLOR is not set.
struct Colours {
  std::string good, bad, dim, plain;
};
Colours colours(int fd);

}  // namespace sigsweep
