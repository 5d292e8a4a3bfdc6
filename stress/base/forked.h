// Work in a child process: its output on standard error, and how it ended. For work that may end
// its process. Not async-signal-safe. A child has only the thread that forked it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace sigsweep {

struct Forked {
  std::string output;    // standard error
  int exit_status = -1;  // -1: it did not exit
  int signal = 0;        // the signal that killed it
  bool blocked = false;  // it was killed because it only waited

  // There was no child, so nothing was done: `output` says so.
  bool is_missing() const { return exit_status < 0 && signal == 0; }
};

inline constexpr int kCameBack = 99;  // the exit status if work returned

// One piece of work in a child of its own.
Forked run_in_child(const std::function<void()>& work);

// A child that does the same work again and again until it dies; then a new child does the next
// round. Work and parent exchange data in memory that they share.
class Worker {
 public:
  // Where a child's standard error goes: into Forked::output, or where the parent's goes.
  enum class Errors : unsigned char { kept, passed };
  // cpu_limit: ms of CPU time for one round; a child that takes more is killed (SIGKILL). 0: no
  // limit.
  Worker(std::function<void()> work, unsigned cpu_limit, Errors errors = Errors::kept)
      : work_(std::move(work)), cpu_limit_(cpu_limit), kept_(errors == Errors::kept) {}
  ~Worker() { dismiss(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Has the work done once. exit_status is kCameBack if the work returned; the child then lives on.
  Forked once();
  // From here on a round runs on the processor that asks for it. Parent and child take turns: to
  // wake another processor, which may be asleep, takes longer than a short round. Threads that the
  // child starts begin there, too.
  void share_processor() { shares_processor_ = true; }
  // A child waits for the next round.
  bool lives() const { return child_ > 0; }
  // Ends the child: the next one sees the parent's memory as it is then. A process that did not
  // hire the child only forgets it.
  void dismiss();

 private:
  bool hire();
  void bring_here();
  // Waits for the answer of a round. False: it waits for nothing that could come.
  bool answers_or_blocks();
  [[noreturn]] void serve(int requests, int answers) const;
  Forked bury();

  std::function<void()> work_;
  unsigned cpu_limit_;
  bool kept_;  // what it writes to standard error
  pid_t child_ = -1, hirer_ = -1;
  bool shares_processor_ = false;
  int processor_ = -1;  // where the child runs; -1: anywhere
  int requests_ = -1, answers_ = -1, errors_ = -1;
};

}  // namespace sigsweep
