// One trial, from its beginning to its end: runs a site once, lands signals at the plan's
// boundaries, and records the observation. Runs mostly in signal handlers; allocates nothing.
#pragma once

#include <ucontext.h>

#include "stress/engine/arming.h"
#include "stress/engine/faults.h"
#include "stress/engine/landings.h"
#include "stress/engine/plan.h"
#include "stress/engine/recorder.h"
#include "stress/engine/slot_reader.h"
#include "stress/engine/strays.h"
#include "stress/engine/surroundings.h"
#include "stress/trap/breakpoint.h"

namespace sigsweep {

// Room for writes that go astray. Functions of Trial have frames on the subject's stacks. A call
// that a hazard misleads may read `this` there, take it for its Call, and write through it: to here,
// and not to what follows. (Of a Call's first part, `in`, the subject only reads: the bases before
// this one lie there.)
class AstrayWrites {
  [[maybe_unused]] unsigned char room_[sizeof(Call)] = {};
};

class Trial final : public Harness, public trap::TrapClient, private AstrayWrites {
 public:
  // `seen`, `first`: the places for the observation and the first landing; children may share them.
  Trial(Subject& subject, const CodeRanges& code, Surroundings& around, Strays& strays,
        FaultHandlers& faults, Observation* seen, FirstLanding* first);

  Conditions& conditions() { return conditions_; }
  const Observation& seen() const { return *seen_; }
  const Plan& plan() const { return plan_; }
  // Another place for the observations from here on. Between trials.
  void observe_in(Observation* seen) { seen_ = seen; }

  // Runs it on the calling thread. A trial that goes wrong is abandoned in place.
  void run(const Plan& plan);
  // Runs it as one walk of a recording, in the way that the recorder was told.
  void walk(const Plan& plan, Recorder* recorder);

  // Harness, TrapClient.
  void operation(void (*fn)(void*), void* arg) override;
  void on_signal(int sig, ucontext_t* uc) override;
  void on_throw(const char* message) override;
  void on_break(unsigned index, ucontext_t* uc) override;
  bool on_step(ucontext_t* uc) override;

  // The operation has come back.
  void operation_over();
  void on_fault(int sig, siginfo_t* info, ucontext_t* uc);
  // A sanitizer is about to report an access of the subject: a fault that it saw coming.
  void on_sanitizer_report();
  // A signal outside the plan, which may interrupt anything in the process.
  void on_stray_entry(siginfo_t* info, ucontext_t* uc);
  // The trial under way ends here, and its frames are lost.
  [[noreturn]] void leave(End end);

 private:
  // Of the trial under way.
  struct Progress {
    bool runs = false;        // a trial is under way
    bool started = false;     // the operation was entered
    bool ended = false;       // it came back
    bool left = false;        // it has been abandoned
    int calling = kNoParent;  // the injection whose handler's own call is under way
    Means means;
    trap::TrapWanted in_operation = {}, in_handler = {};
  };

  static void run_site(void* self);
  const Protocol& protocol() const { return *protocol_; }
  bool is_contained() const { return now_.runs && *conditions_.serial != 0; }
  void begin(const Plan& plan);
  void finish();
  trap::TrapWanted traps_wanted(bool in_handler) const;
  void close_arrivals();
  bool has_struck(unsigned index) const;
  void observe_end();
  bool is_masked(unsigned index, const ucontext_t* uc) const;
  bool is_over(unsigned injection, const ucontext_t* uc) const;
  void reached(unsigned index, ucontext_t* uc);
  void send(unsigned index, ucontext_t* uc);
  void take_from_outside(ucontext_t* uc);
  void handle(unsigned index, ucontext_t* uc, std::uint64_t frame, std::uint64_t flags);
  void handle_recorded(unsigned index, ucontext_t* uc);
  void call_handler(unsigned index, const ucontext_t* uc);
  void take_backtrace(const ucontext_t* uc);
  void note_undelivered(const ucontext_t* uc);
  void hand_back(int sig, siginfo_t* info, ucontext_t* uc);

  Subject& subject_;
  const CodeRanges& code_;
  const SlotReader slots_;
  Surroundings& around_;
  Strays& strays_;
  FaultHandlers& faults_;
  Observation* seen_;
  Conditions conditions_;
  std::uint64_t count_ = 0;             // trials so far
  Recorder* recorder_ = nullptr;        // null: nothing is recorded
  Plan plan_;                           // from here on: each trial begins anew
  const Protocol* protocol_ = nullptr;  // the plan's
  Progress now_;
  Landings landings_;
  struct {
    trap::Containment containment{};
    trap::Probe probe{};
  } asm_;  // filled in by assembly
};

}  // namespace sigsweep
