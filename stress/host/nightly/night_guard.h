// Sees to it that nothing of a night outlives it, even if it is killed (SIGKILL).
//
// A part's first process dies with the night (PR_SET_PDEATHSIG), but what that has started need not:
// libFuzzer's workers go on. So a process of its own, the guard, waits for the end of the process
// that is at work on the night, and then ends all that this one has started. A killed night may
// already go on in another process: what that one starts has another mark.
#pragma once

#include <sys/types.h>

#include <string>

namespace sigsweep {

class NightGuard {
 public:
  // `night`: its folder. Ends what earlier processes of the night have left; from then on, what this
  // one starts, by a first mark of all children. Throws Failure(kHarnessFailed).
  explicit NightGuard(const std::string& night);
  ~NightGuard();
  NightGuard(const NightGuard&) = delete;
  NightGuard& operator=(const NightGuard&) = delete;

 private:
  int alive_ = -1;  // closed when this process ends
  pid_t guard_ = -1;
};

}  // namespace sigsweep
