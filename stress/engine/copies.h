// Trials of a fragile subject (Runnable::is_fragile), in copies of the process that attached. Not
// async-signal-safe.
//
// The process that attached runs no trial: its copy of the subject's code is as it was. A copy is a
// child. It runs trials in place, one after the other, as long as they go right. After one that went
// wrong it is thrown away, and a new copy runs the next. Plans, results, recordings and states at
// rest lie in memory that all of them share. So no copy knows anything that the next one needs.
//
// A copy gets many trials at a time: a handshake for each would cost more than the trial.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "stress/base/forked.h"
#include "stress/engine/recorder.h"
#include "stress/engine/surroundings.h"
#include "stress/engine/trial.h"

namespace sigsweep {

// A trial on its way to a copy and back.
struct CopiedTrial {
  Plan plan;
  std::uint64_t number = 0;  // Conditions::shown
  bool began = false;
  bool copy_ended = false;  // the copy that ran it was thrown away
  Observation seen;
  Judgement judgement;

  void ask(const Plan& asked, std::uint64_t shown_as) {
    plan = asked;
    number = shown_as;
    began = copy_ended = false;
  }
};

class Copies {
 public:
  Copies(Subject& subject, Surroundings& around, Trial* trial, Recorder* recorder);
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;
  ~Copies();
  // Why it got no memory. Empty: all is well.
  const std::string& problem() const { return problem_; }

  // From here on trials run in copies. `expired`: start_watchdog's, in a copy.
  void use(void (*expired)()) { expired_ = expired; }
  bool are_used() const { return expired_ != nullptr; }

  // A place for trials that one copy gets together, and one for a trial by itself.
  std::span<CopiedTrial> row();
  CopiedTrial& single();

  // Runs these trials up to the first that ends its copy. Returns how many ran: at least one.
  // REQUIRES: they are some of row(), or single().
  unsigned run(std::span<CopiedTrial> trials);
  // Runs single(), from which Rests learns the state that its operation leaves.
  void learn();
  // Walks the plan's way (children.h, record). False: the copy died on the way.
  bool record(const Plan& plan, WayEnd end);
  // Has the copy note how deep each stack has been written. Surroundings::paint then knows.
  void look();
  // Were mask and alternate stack normal after each lazy trial since the last call?
  bool restore_thread();
  // Ends the copy: the next one is made of this process as it is then.
  void dismiss() { copy_.dismiss(); }

 private:
  enum class Task : std::uint8_t { trials, learn, record, look };
  struct Shared;

  unsigned run(Task task, std::span<CopiedTrial> trials);
  bool ask(Task task);
  void book_death(CopiedTrial* trial);
  void try_alone(CopiedTrial* trial);

  // In a copy.
  void work();
  void begin_copy();
  void run_trials();
  bool run_trial(CopiedTrial* trial);
  void walk_the_way();
  void prepare_sources(const Plan& plan);
  bool wants_fresh_copy(const Plan& plan) const;
  [[noreturn]] void give_up(const std::string& why) const;

  Subject& subject_;
  Surroundings& around_;
  Trial* trial_;
  Recorder* recorder_;
  std::string problem_;
  Shared* shared_ = nullptr;
  void (*expired_)() = nullptr;
  bool looked_ = true;          // no trial has run since the last look at the stacks
  bool normal_ = true;          // restore_thread's answer
  Forked end_;                  // of the copy that ended last
  bool begun_ = false;          // in a copy: begin_copy is done
  bool in_use_ = false;         // in a copy: it has run something
  std::uint32_t prepared_ = 0;  // in a copy: bit i: source i
  Worker copy_{[this] { work(); }, 0, Worker::Errors::passed};
};

// May the process that ran it go on? Only if nothing at all went wrong.
bool went_right(const Judgement& judgement, const Observation& seen);

}  // namespace sigsweep
