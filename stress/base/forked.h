// Work in a child process: what it printed on standard error and how it ended. For work that may
// end its process. Not async-signal-safe; a child has the forking thread only.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace sigsweep {

struct Forked {
  std::string output;    // standard error
  int exit_status = -1;  // -1: it did not exit
  int signal = 0;        // it died of
};

inline constexpr int kCameBack = 99;  // the exit status where work returned

// One piece of work in a child of its own.
Forked run_in_child(const std::function<void()>& work);

// A child that does the same work again and again, until one time ends it; the next time is done by
// a new one. What work and parent tell each other lies in memory that they share.
class Worker {
 public:
  // cpu_limit: ms of CPU time that work may take; then the child is killed (SIGKILL).
  Worker(std::function<void()> work, unsigned cpu_limit)
      : work_(std::move(work)), cpu_limit_(cpu_limit) {}
  ~Worker() { dismiss(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Has the work done once. exit_status is kCameBack where it returned, and the child lives on.
  Forked once();
  // Ends the child: the next one will see the parent's memory as it is then. In another process
  // than the one that hired it, forgets it.
  void dismiss();

 private:
  bool hire();
  [[noreturn]] void serve(int requests, int answers) const;
  Forked bury();

  std::function<void()> work_;
  unsigned cpu_limit_;
  pid_t child_ = -1, hirer_ = -1;
  int requests_ = -1, answers_ = -1, errors_ = -1;
};

}  // namespace sigsweep
