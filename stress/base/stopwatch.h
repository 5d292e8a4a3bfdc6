// How long something takes, by one of the kernel's clocks. Async-signal-safe.
#pragma once

#include <time.h>

namespace sigsweep {

// CLOCK_MONOTONIC counts what passes. CLOCK_PROCESS_CPUTIME_ID counts the processor time of this
// process: other work on the machine makes it no longer. It counts no wait, and nothing that a child
// does.
class Stopwatch {
 public:
  explicit Stopwatch(clockid_t clock) : clock_(clock), start_(now(clock)) {}
  // Nanoseconds since it was made.
  double ns() const {
    const timespec t = now(clock_);
    return static_cast<double>(t.tv_sec - start_.tv_sec) * 1e9 +
           static_cast<double>(t.tv_nsec - start_.tv_nsec);
  }

 private:
  static timespec now(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return t;
  }

  clockid_t clock_;
  timespec start_;
};

}  // namespace sigsweep
