// One trial: a site run once, with signals landed where the plan says, and what was seen of it.
//
// The engine owns the process's SIGTRAP and fault handlers and the alternate stack while it is
// attached. One engine a process, on one thread. run() allocates nothing; a trial that goes wrong
// is abandoned in place and the next one starts from a state made afresh.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/base/forked.h"
#include "stress/oracle/oracle.h"
#include "stress/schedule/schedule.h"
#include "stress/subject/subject.h"
#include "stress/trace/trace.h"
#include "stress/trap/stack_paint.h"

namespace sigsweep {

inline constexpr unsigned kNoHandler = ~0U;

struct PlannedInjection {
  std::uint64_t pc = 0;    // address in this process
  std::uint32_t nth = 1;   // pass; of a nested one, within the handler that it interrupts
  std::uint64_t gate = 0;  // Boundary::gate
  int parent = -1;         // the injection whose handler it interrupts; -1: the operation
  int signal = 0;
  Source source = Source::direct;
  unsigned handler = kNoHandler;  // index of a site
  std::uint64_t in[kMaxSlots] = {};

  void land_at(const Boundary& b) {
    pc = b.pc;
    nth = b.nth;
    gate = b.gate;
  }
};

struct Plan {
  unsigned protocol = 0;
  unsigned site = 0;
  std::uint64_t in[kMaxSlots] = {};
  unsigned injections = 0;
  PlannedInjection injection[kMaxInjections];
};

// Bytes that a signal's frame takes on this machine at most (AT_MINSIGSTKSZ; 0 where the kernel
// does not tell).
std::size_t least_frame();

// The arguments that a schedule does not give, for all slots. Never 0; distinct for each level and
// slot.
void draw_nonces(std::uint64_t seed, unsigned level, unsigned word_bits, std::uint64_t* in);

// The index in Step::preserved of what a state-leak names ("rbx", "MXCSR"); -1: it is none of them.
int preserved_index(std::string_view name);

// Signals that nobody plans: they come when they like, beside those of a plan.
struct StrayCount {
  std::uint64_t seen = 0;    // all of them
  std::uint64_t landed = 0;  // of those, in injectable code of a trial
  std::uint64_t called = 0;  // of those, whose handler made a call
};
int stray_signal();

class Engine {
 public:
  // The one engine of this process.
  static Engine& get();

  // Takes over the process. Empty, or what is wrong. `serial`: the number of the trial that runs, 0
  // between trials; may be shared with another process. Without `patches` only signals of source
  // external can be had, and no trace: a debugger owns the traps.
  virtual std::string attach(volatile std::uint64_t* serial, bool patches = true) = 0;

  // Runs one trial. The observation is valid until the next run.
  virtual const Observation& run(const Plan& plan) = 0;
  // The same in a child, where a throw, a fault and a hang are real: what the parent sees of its
  // end decides how the trial ended. last_child() tells what it printed.
  virtual const Observation& run_forked(const Plan& plan) = 0;
  virtual const Forked& last_child() const = 0;
  virtual Judgement judge_last() const = 0;
  // In a child that fork() made of an attached process, before its first trial: starts what a child
  // does not inherit. Empty, or what is wrong.
  virtual std::string resume() = 0;
  // Makes good now what the last trial may have written astray, else the next one does so first:
  // for whoever counts what a trial costs, or covers, by itself. Nothing of that trial's state can
  // be looked at afterwards.
  virtual void settle_last() = 0;

  // Lazy: a trial that came to its end does not ask the kernel for the signal mask and the
  // alternate stack; each landing shows both as the trial before left them. settled(): nothing was
  // found changed since the last call. Where it was, the trials must be run again, not lazily.
  virtual void lazy(bool on) = 0;
  virtual bool settled() = 0;

  // Off: a signal destroys everything below SP, for ABIs and handlers that leave no red zone.
  virtual void red_zone(bool on) = 0;
  // How much was used of each stack at most, in the order of Subject::stacks(), as it is now.
  virtual const trap::StackPaint& look_at_stacks() = 0;
  // Runs the trial in a child, and tells how many bytes of the alternate stack it used; 0: more than
  // there are, or the child died of something else.
  virtual std::size_t signal_stack_used(const Plan& plan) = 0;

  // Records the boundaries of an operation and its accesses to the slots, with nothing injected.
  // Empty, or why that can't be done.
  virtual std::string trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out) = 0;
  // The same of a handler, from signal entry to its return, while `plan` runs with its one
  // injection.
  virtual std::string trace_handler(const Plan& plan, Trace* out) = 0;

  // From here on stray_signal() may come at any time. Where it interrupts injectable code of a
  // trial its handler, entered like any other, runs the next of `handlers`, by the protocol, if
  // that promises ok for a handler's call; else, and elsewhere, it only counts. A call of it that
  // goes wrong is the trial's `misplaced`. Its handlers are never interrupted, and no breakpoint
  // counts a pass there. Empty, or what is wrong.
  virtual std::string expect_strays(std::vector<unsigned> handlers) = 0;
  virtual const StrayCount& strays() const = 0;

  // The state that the operation leaves when nothing is injected: later trials of this (protocol,
  // site) are compared with it. Returns the verdict of that run.
  virtual Judgement baseline(unsigned protocol, unsigned site, std::uint64_t seed) = 0;

  // Where the first signal of the last trial landed, and the slots then. For reports.
  virtual const ucontext_t& landed_at() const = 0;
  virtual const std::uint64_t* slots_landed() const = 0;

  // Runs `act` on the handler's stack behind each handler's own call; null: nothing. For tests: so
  // that each verdict can be seen to fire. `act` is async-signal-safe.
  virtual void sabotage(void (*act)(ucontext_t* uc)) = 0;

 protected:
  ~Engine() = default;
};

}  // namespace sigsweep
