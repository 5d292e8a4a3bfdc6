// Trials and recordings in child processes, where their ends are real. Not async-signal-safe.
#pragma once

#include <string>

#include "stress/base/forked.h"
#include "stress/engine/recorder.h"
#include "stress/engine/trial.h"

namespace sigsweep {

// What parent and children share.
struct SharedTrial {
  Observation seen;
  Plan plan;
  std::size_t stack_used = 0;
};
// In memory for that. Null: it could not be had.
SharedTrial* make_shared_trial();

inline constexpr unsigned kTimeLimit = 100;     // ms of CPU time for one trial
inline constexpr unsigned kRecordLimit = 2000;  // and for a recording, which steps

// Walks through the plan's way as often as a recording needs. The recorder holds what was seen.
void record(const Plan& plan, WayEnd end, Trial* trial, Recorder* recorder);
// Where the way of the handler of the plan's one injection ends.
WayEnd end_of_handler(const Plan& plan);

class Children {
 public:
  Children(Subject& subject, Trial* trial, Recorder* recorder, SharedTrial* shared)
      : subject_(subject), trial_(trial), recorder_(recorder), shared_(shared) {}

  // Runs the trial in a child. What the parent sees of the child's end decides how the trial ended;
  // trial->seen() tells. Returns what it printed and how it ended. A child serves until a trial
  // ends it: one that comes to its end by itself leaves nothing behind that containment would have
  // to clear away.
  const Forked& run(const Plan& plan);
  // Bytes of the alternate stack that the trial uses; 0: more than there are, or the child died of
  // something else.
  std::size_t stack_used(const Plan& plan);
  // Records the way of the handler of the plan's one injection.
  void record_handler(const Plan& plan);

  // What a trial in place has changed, children do not know: those that only record or probe end.
  void dismiss_helpers() {
    recording_.dismiss();
    probing_.dismiss();
  }
  // Likewise the one that runs trials.
  void dismiss_runner() { running_.dismiss(); }

 private:
  void begin_child();
  void prepare_sources(const Plan& plan);
  void work_run();
  void work_probe();
  void work_record();
  void trust_the_outside();

  Subject& subject_;
  Trial* trial_;
  Recorder* recorder_;
  SharedTrial* shared_;
  Forked last_;
  Worker running_{[this] { work_run(); }, kTimeLimit};
  Worker probing_{[this] { work_probe(); }, kRecordLimit};
  Worker recording_{[this] { work_record(); }, kRecordLimit};
};

}  // namespace sigsweep
