// The engine: runs trials, one at a time, and returns the observation of each.
//
// While it is attached, it owns the process's SIGTRAP and fault handlers and the alternate stack.
// One engine a process, on one thread. run() in place allocates nothing. A trial that goes wrong is
// abandoned in place, and the next one starts from a fresh state. The trials of a fragile subject run
// in copies of the process, in place there (stress/engine/copies.h).
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "stress/base/forked.h"
#include "stress/engine/plan.h"
#include "stress/engine/step.h"
#include "stress/engine/strays.h"
#include "stress/oracle/oracle.h"
#include "stress/trace/trace.h"
#include "stress/trap/stack_paint.h"

namespace sigsweep {

// place: in this process; a throw or a fault abandons the trial. fork: in a child; a throw, a fault
// and a hang are real, and the child's end decides how the trial ended.
enum class Contain : std::uint8_t { place, fork };
inline constexpr std::string_view kContainNames[] = {"place", "fork"};

// The result of a trial. Refers to the engine's memory: valid until its next trial.
struct TrialResult {
  const Observation& seen;
  Judgement judgement;
  // Where the first signal landed, and the slots then.
  const ucontext_t& landed_at;
  const std::uint64_t* slots_landed;
  // The child's end and output. Of a trial in a child; else empty.
  const Forked& child;
};

// The most bytes that a signal's frame takes on this machine (AT_MINSIGSTKSZ; 0 if the kernel does
// not tell).
std::size_t least_frame();

// The index in Step::preserved of the name in a state-leak ("rbx", "MXCSR"); -1: it has none.
int preserved_index(std::string_view name);

class Engine {
 public:
  // REQUIRES: there is no other engine in this process; the subject outlives it.
  explicit Engine(Subject& subject);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  Subject& subject() const;

  // Takes over the process. Empty, or what is wrong. `serial`: the number of the running trial, 0
  // between trials; may be shared with another process. Without `patches` a debugger owns the
  // traps: then only signals of source external are possible, and no trace.
  std::string attach(volatile std::uint64_t* serial, bool patches = true);
  // In a child that fork() made of an attached process, before its first trial: starts the parts
  // that a child does not inherit. Empty, or what is wrong.
  std::string resume();

  // `number` (null: nothing) tells which trial of a TrialRow runs, while a copy runs it. May be
  // shared with another process.
  void show(volatile std::uint64_t* number);

  TrialResult run(const Plan& plan, Contain contain = Contain::place);
  // Learns the state that the operation leaves when nothing is injected: later trials of this
  // (protocol, site) are compared with it. Returns the verdict of that run.
  Judgement baseline(unsigned protocol, unsigned site, std::uint64_t seed);
  // Repairs now what the last trial may have written astray; else the next one does so first. For a
  // caller that measures the cost or the coverage of each trial. The state of the last trial is
  // lost.
  void clear_away();

  // Lazy: a trial that ended by itself does not ask the kernel for the signal mask and the
  // alternate stack. Each landing shows both as the trial before left them.
  void lazy(bool on);
  // Puts mask and alternate stack back. False: a trial since the last call changed them. Then lazy
  // trials must be run again, not lazily.
  bool restore_thread();

  // Runs the trial once more in a child, and shows it to `taker` in front of each instruction of its
  // operation, the signals' handlers and the harness included. Not for source external.
  SteppedTrial step(const Plan& plan, const StepTaker& taker);

  // Off: a signal destroys everything below SP, for ABIs and handlers that leave no red zone.
  void red_zone(bool on);
  // The most bytes of each stack that were ever used, in the order of Subject::stacks(), up to now.
  const trap::StackPaint& look_at_stacks();
  // Runs the trial in a child, and returns how many bytes of the alternate stack it used. 0: more
  // than it has, or the child died of something else.
  std::size_t signal_stack_used(const Plan& plan);

  // Records the boundaries of an operation and its accesses to the slots, with nothing injected.
  // Empty, or why it can't.
  std::string trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out);
  // The same for a handler, from signal entry to its return, while `plan` runs with its one
  // injection.
  std::string trace_handler(const Plan& plan, Trace* out);

  // Not for a fragile subject. From here on stray_signal() may come at any time. If it interrupts injectable code of a trial,
  // its handler, entered like any other, runs the next of `handlers`, by the protocol, if that
  // promises ok for a handler's call. In all other cases it only counts. If its call goes wrong,
  // that is the trial's `misplaced`. Its handlers are never interrupted, and no breakpoint counts a
  // pass there. Empty, or what is wrong.
  std::string expect_strays(std::vector<unsigned> handlers);
  const StrayCount& strays() const;

  // Runs `act` on the handler's stack behind each handler's own call; null: nothing. For tests, so
  // that each verdict can be made to appear. `act` is async-signal-safe.
  void sabotage(void (*act)(ucontext_t* uc));

 private:
  friend class TrialRow;
  TrialResult result(const Observation& seen, const Judgement& judgement,
                     const Forked* child) const;

  struct Parts;
  Parts* parts_;
};

class Copies;

// Trials one after the other, at full speed. A result may come some trials later: a copy of the
// process runs many of them at a time. One row at a time.
class TrialRow {
 public:
  // Gets each result, in the order of run(). May run other trials meanwhile. False: the row ends, and
  // what waits is dropped.
  using Taker = std::function<bool(std::uint64_t number, const TrialResult& ran)>;
  TrialRow(Engine& engine, Contain contain, Taker taken);

  // False: a Taker ended the row. `number` is the caller's: its Taker gets it back.
  bool run(const Plan& plan, std::uint64_t number);
  // Runs what waits.
  bool finish();
  // Copies that were thrown away after a trial of this row.
  std::uint64_t copies() const { return ended_; }

 private:
  Engine& engine_;
  Contain contain_;
  Copies* copies_;  // null: each trial runs at once
  Taker taken_;
  unsigned waiting_ = 0;
  std::uint64_t ended_ = 0;
};

}  // namespace sigsweep
