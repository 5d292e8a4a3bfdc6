// A program that service-check starts: in a process group of its own, with a time limit, and ended
// with all that it has started.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sigsweep {

struct ChildStart {
  std::vector<std::string> arguments;              // the program first; it is looked up in PATH
  std::map<std::string, std::string> environment;  // in addition to the command's own
  std::string output;                              // file for its stdout and stderr
  std::chrono::milliseconds limit{std::chrono::minutes(10)};
  // Runs in the child in front of the program, and says why it can't go on; empty: it can. The
  // child has no other thread, so it may allocate.
  std::function<std::string()> prepare;
};

struct ChildEnd {
  // unprepared: `prepare` failed; not_started: the program itself can't be had.
  enum Kind { exited, signalled, timed_out, unprepared, not_started } kind = exited;
  int status = 0;   // exited: its exit status; signalled: the signal
  std::string why;  // unprepared, not_started
  bool ok() const { return kind == exited && status == 0; }
};

// REQUIRES: no thread and no other child in this process. The process becomes the parent of
// whatever its children leave behind: so what has left the group is found, too.
class ServiceChild {
 public:
  explicit ServiceChild(const ChildStart& start);
  ~ServiceChild();
  ServiceChild(const ServiceChild&) = delete;
  ServiceChild& operator=(const ServiceChild&) = delete;

  // Waits for the end of the program, and ends what it has left. Throws Failure(kStopped) where the
  // command is told to stop; nothing runs any more then.
  ChildEnd wait();

 private:
  void end_all();
  pid_t pid_ = -1;  // -1: none runs
  std::chrono::steady_clock::time_point deadline_;
  ChildEnd failed_;  // where `why` is not empty, the program has not been started
};

// Starts a program and waits for it.
ChildEnd run_child(const ChildStart& start);

}  // namespace sigsweep
