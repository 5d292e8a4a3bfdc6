// Sees to it that nothing of a night outlives it, even if it is killed (SIGKILL).
//
// A part's first process dies with the night (PR_SET_PDEATHSIG), but what that has started need not:
// libFuzzer's workers go on. So a process of its own waits for the night's end, and then ends all
// that have the night's mark.
#pragma once

#include <sys/types.h>

#include <string>

namespace sigsweep {

class NightGuard {
 public:
  // `mark`: as set_first_mark() gives it. Ends what an earlier process of the night has left; from
  // then on, what this one starts. Throws Failure(kHarnessFailed).
  explicit NightGuard(const std::string& mark);
  ~NightGuard();
  NightGuard(const NightGuard&) = delete;
  NightGuard& operator=(const NightGuard&) = delete;

 private:
  int alive_ = -1;  // closed when this process ends
  pid_t guard_ = -1;
};

}  // namespace sigsweep
