// The state around a trial, which must be the same when the trial is over; and the conditions for
// trials.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>

#include "stress/engine/rests.h"
#include "stress/engine/thread_state.h"
#include "stress/trap/arch.h"
#include "stress/trap/stack_paint.h"

namespace sigsweep {

// Trials start on a stack of their own, because a trial that goes astray writes over its callers'
// frames.
class TrialStack {
 public:
  // 256 KiB, and below it as much again, which is never touched.
  TrialStack();
  // Why there is no stack; empty: all is well.
  const std::string& problem() const { return problem_; }
  const Region& region() const { return region_; }

 private:
  Region region_{};
  std::string problem_;
};

struct Surroundings {
  explicit Surroundings(Subject& subject) : rests(subject) {}
  // Notes where the subject's stacks are. REQUIRES: its state is sound.
  void note_stacks(const Subject& subject);
  // An abandoned trial leaves frames that never returned. Without ASan it does nothing. It asks the
  // subject nothing: the trial may have written over the state that would tell.
  void unpoison_stacks() const;

  Rests rests;
  ThreadState thread;
  trap::StackPaint paint;
  TrialStack stack;

 private:
  Region stacks_[kMaxRegions] = {};
  unsigned stack_count_ = 0;
};

// Set between trials.
struct Conditions {
  // The number of the running trial, 0 between trials. May be shared with another process.
  volatile std::uint64_t* serial = nullptr;
  volatile std::uint64_t* shown = nullptr;     // Engine::show
  bool lazy = false;                           // Engine::lazy
  bool patches = true;                         // else a debugger owns the traps
  bool in_child = false;                       // throws and faults are real
  bool traps_stay = false;                     // traps stay on the stack that they find
  bool stepped = false;                        // marks say where the operation begins and ends
  std::uint64_t red_zone = trap::kRedZone;     // of the interrupted code, in bytes
  std::size_t least_frame = 0;                 // sigsweep::least_frame()
  std::size_t frame_pad = 0;                   // bytes that each handler takes in addition, for
                                               // tests
  void (*sabotage)(ucontext_t* uc) = nullptr;  // Engine::sabotage
};

}  // namespace sigsweep
