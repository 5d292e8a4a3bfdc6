// A piece of work in a child process: what it printed on standard error and how it ended. For work
// that ends the process. Not async-signal-safe; the child has this thread only.
#pragma once

#include <functional>
#include <string>

namespace sigsweep {

struct Forked {
  std::string output;    // standard error
  int exit_status = -1;  // -1: it did not exit
  int signal = 0;        // it died of
};

inline constexpr int kCameBack = 99;  // the exit status where work returned

Forked run_in_child(const std::function<void()>& work);

}  // namespace sigsweep
