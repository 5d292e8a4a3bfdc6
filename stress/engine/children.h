// Trials and recordings in child processes, where their ends are real. Not async-signal-safe.
#pragma once

#include <string>

#include "stress/base/forked.h"
#include "stress/engine/copies.h"
#include "stress/engine/recorder.h"
#include "stress/engine/step.h"
#include "stress/engine/trial.h"

namespace sigsweep {

// What parent and children share.
struct SharedTrial {
  Observation seen;
  FirstLanding first;  // of copies, too
  Judgement judgement;
  Plan plan;
  std::size_t stack_used = 0;
};
// Memory for that, shared with children. Null: none was to be had.
SharedTrial* make_shared_trial();

inline constexpr unsigned kTimeLimit = 100;     // ms of CPU time for one trial
inline constexpr unsigned kRecordLimit = 2000;  // the same for a recording, which steps

// Walks the plan's way as often as a recording needs. The recorder keeps the result.
void record(const Plan& plan, WayEnd end, Trial* trial, Recorder* recorder);
// The end of the way of the handler of the plan's one injection.
WayEnd end_of_handler(const Plan& plan);

class Children {
 public:
  Children(Subject& subject, Trial* trial, Recorder* recorder, Copies* copies, SharedTrial* shared)
      : subject_(subject), trial_(trial), recorder_(recorder), copies_(copies), shared_(shared) {}

  // Runs the trial in a child. The child's end, as the parent sees it, decides how the trial ended;
  // trial->seen() tells. Returns the child's output and its end. A child serves until a trial ends
  // it: a trial that ends by itself leaves nothing to clear away. The child of a fragile subject
  // serves only as long as trials go right.
  const Forked& run(const Plan& plan);
  // The verdict of that trial.
  const Judgement& judgement() const { return shared_->judgement; }
  // Bytes of the alternate stack that the trial uses. 0: more than it has, or the child died of
  // something else.
  std::size_t stack_used(const Plan& plan);
  // Runs the trial once more, in a child of its own, and steps it (stepper.h).
  SteppedTrial step(const Plan& plan, const CodeRanges& code, const StepTaker& taker);
  // Records the way of the handler of the plan's one injection.
  void record_handler(const Plan& plan);

  // Ends the children that only record or probe: they do not know the changes of a trial in place.
  void dismiss_helpers() {
    recording_.dismiss();
    probing_.dismiss();
  }
  // The same for the child that runs trials.
  void dismiss_runner() { running_.dismiss(); }

 private:
  void begin_child();
  void prepare_sources(const Plan& plan);
  void work_run();
  void work_probe();
  void work_record();
  void work_record_astray();
  [[noreturn]] void work_stepped();
  void trust_the_outside();
  bool came_back(Worker* recording);

  Subject& subject_;
  Trial* trial_;
  Recorder* recorder_;
  Copies* copies_;
  SharedTrial* shared_;
  Forked last_;
  Worker running_{[this] { work_run(); }, kTimeLimit};
  Worker probing_{[this] { work_probe(); }, kRecordLimit};
  Worker recording_{[this] { work_record(); }, kRecordLimit};
  Worker recording_astray_{[this] { work_record_astray(); }, kRecordLimit};
};

}  // namespace sigsweep
