// The code under test, as the harness runs it. One subject runs in one process, on one thread.
// Functions marked SIGNAL run in a signal handler or on a switched stack: async-signal-safe,
// allocate nothing.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include "stress/subject/tables.h"

namespace sigsweep {

// The harness's side, for a subject to call. SIGNAL throughout.
class Harness {
 public:
  // Runs the operation proper, fn(arg), between register checks. Called once a trial, on the stack
  // that the operation starts on. Comes back unless the trial is over.
  virtual void operation(void (*fn)(void*), void* arg) = 0;
  // A signal's handler, on the handler's stack.
  virtual void on_signal(int sig, ucontext_t* uc) = 0;
  // A throw; comes back if the throw is to go on for real.
  virtual void on_throw(const char* message) = 0;

 protected:
  ~Harness() = default;
};

class Runnable {
 public:
  // ---- memory; none of it moves
  // Where injectable code lies, in any order.
  virtual std::span<const Region> code() const = 0;
  virtual const void* slot_address(unsigned /*slot*/) const { return nullptr; }
  // Words whose accesses are traced like the slots'. A boundary has the mark of a word that is live
  // there: written, and still to be read.
  struct TracedWord {
    const void* address;
    Marks mark;
  };
  virtual std::span<const TracedWord> traced_words() const { return {}; }
  // The memory that holds slots and traced words, on pages of its own.
  virtual unsigned traced_pages(std::span<Region> /*out*/) const { return 0; }
  // All the stacks. After an abandoned trial a sanitizer must forget that they are poisoned.
  virtual unsigned stacks(std::span<Region> out) const = 0;

  // ---- signals
  // The function that the kernel gets as a signal's handler, installed for the signals that the
  // harness names.
  using Entry = void (*)(int, siginfo_t*, void*);
  virtual Entry signal_entry() const = 0;
  virtual void install(std::span<const int> signals, Harness* harness) = 0;
  // The stack that install() has registered as the alternate one.
  virtual Region alternate_stack() const = 0;

  // ---- a trial
  // Makes the state of a process that has just started. Nothing of earlier trials remains.
  virtual void reset(unsigned protocol) = 0;
  // The operation's first instruction: the trace starts there.
  virtual const void* entry(unsigned protocol, unsigned site) const = 0;
  // The code under test changes the signal mask or the alternate stack on its way, and puts them
  // back: a landing does not show what the trial before has left.
  virtual bool changes_mask() const { return false; }
  // It may mask the harness's signals on its way. At such a boundary none can land. Else a masked
  // signal is a failure of the harness.
  virtual bool may_mask_signals() const { return false; }
  // A recording steps through calls out of code(), and not over them: the switch may lie in there.
  virtual bool steps_through_calls() const { return false; }
  // The same operation may take another way next time, as through a scheduler that looks at the
  // clock. Then a boundary may not be reached, and that is no failure of the harness.
  virtual bool way_may_differ() const { return false; }
  // Runs the site to its end on the calling thread, by harness->operation(). `call.in` is given.
  virtual void run(unsigned protocol, unsigned site, Call* call) = 0;
  // SIGNAL. The handler's own call of a site, by the protocol's handler convention.
  virtual void handle(unsigned protocol, unsigned site, Call* call) = 0;
  // SIGNAL. Overwrites stack memory that nothing uses while SP is sp (0: nothing runs). So the next
  // write there is seen, even if it writes the same value as the last one.
  virtual void scrub(std::uint64_t /*sp*/) {}

  // ---- after a trial
  // The code keeps state that reset() cannot put back: after a trial that went wrong nothing of it
  // is trusted. So no trial runs in the process that called install(). Copies of it run them, in
  // place. A copy goes on as long as trials go right, and is thrown away after one that went wrong.
  // Must not change once install() was called.
  virtual bool is_fragile() const { return false; }
  // Of a fragile subject: a trial in which this handler is called gets a copy that has run nothing
  // before, and that runs nothing afterwards.
  virtual bool wants_fresh_copy(unsigned /*handler*/) const { return false; }

 protected:
  ~Runnable() = default;
};

}  // namespace sigsweep
