// What stands around a trial and must be as it was when the trial is over; and what may be asked of
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

// Trials start on a stack of their own: one that goes astray writes over the frames that it came
// from.
class TrialStack {
 public:
  // 256 KiB, and as much again below that is never touched.
  TrialStack();
  // Why it could not be had; empty: all is well.
  const std::string& problem() const { return problem_; }
  const Region& region() const { return region_; }

 private:
  Region region_{};
  std::string problem_;
};

struct Surroundings {
  explicit Surroundings(Subject& subject) : rests(subject) {}

  Rests rests;
  ThreadState thread;
  trap::StackPaint paint;
  TrialStack stack;
};

// Set between trials.
struct Conditions {
  // The number of the trial that runs, 0 between trials. May be shared with another process.
  volatile std::uint64_t* serial = nullptr;
  bool lazy = false;                           // Engine::lazy
  bool patches = true;                         // else a debugger owns the traps
  bool in_child = false;                       // throws and faults are real
  bool traps_stay = false;                     // traps take the stack that they find
  std::uint64_t red_zone = trap::kRedZone;     // of what is interrupted, in bytes
  std::size_t least_frame = 0;                 // sigsweep::least_frame()
  std::size_t frame_pad = 0;                   // bytes that each handler takes more, for tests
  void (*sabotage)(ucontext_t* uc) = nullptr;  // Engine::sabotage
};

}  // namespace sigsweep
