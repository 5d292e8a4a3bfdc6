// The interface between a subject (the code under test) and the harness that puts it under signals.
//
// The harness knows a subject by this file only. A subject is a set of *sites* (operations that can
// be interrupted), *handlers* (what a signal handler does; sites again, by their slots) and
// *protocols* (how either side enters the stubs and passes arguments), over code that lies in
// ranges of memory, and *slots*: words of shared memory through which arguments travel.
//
// One subject runs in one process, on one thread. What is marked SIGNAL runs in a signal handler or
// on a switched stack: async-signal-safe, allocates nothing.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "stress/base/region.h"
#include "stress/verdict/verdict_set.h"

namespace sigsweep {

inline constexpr unsigned kMaxSlots = 8;
using SlotMask = std::uint32_t;  // bit i: slot i
using Marks = std::uint32_t;     // what a subject says of a boundary; bit i: its mark i

inline constexpr unsigned kMaxWatched = 8;

// One run of a site: what went in, what was seen on the way. Written by the subject, read by the
// oracle.
struct Call {
  std::uint64_t in[kMaxSlots];    // given: fresh nonces, distinct for each level
  std::uint64_t seen[kMaxSlots];  // what fn read
  std::uint64_t made[kMaxSlots];  // what fn answered
  std::uint64_t got[kMaxSlots];   // what the caller read
  std::uint64_t fn_sp;            // SP within fn
  std::uint64_t fn_owner;         // whatever tells the subject in whose name fn ran
  std::uint32_t fn_runs;          // how often fn was entered
  std::uint32_t returns;          // how often the caller got to its end
  Call* inner;  // where the call that fn makes itself is noted; the harness's, never null
};

struct Site {
  std::string_view name;
  SlotMask in, out;    // slots that carry arguments and results
  SlotMask zeroed;     // slots that are zero after the operation, by this site's convention
  SlotMask written;    // slots that it writes at all: what it does as a handler
  SlotMask left_zero;  // of those, the slots whose last write is zero
  bool handler;        // may serve as a handler
  std::string_view end_message;  // ends by a throw with this message; empty: it does not
  bool leaves;                   // ends without coming back to its caller (and without a throw)
  const Site* inner;             // the site that fn itself runs, or null
};

// Bits of what a protocol promises; the oracle and the claims go by them, never by a protocol's
// name.
struct Protocol {
  std::string_view name;
  bool must_reject = false;       // a handler's call must be rejected
  bool slots_in_handler = false;  // the handler passes its arguments in slots
  bool keeps_slots = false;       // a handler leaves all slots as they were
  bool predicts = false;          // liveness and marks predict every verdict of a handler's call
  Marks spoiled_at = 0;           // a handler's call at a boundary with one of these is not ok
  VerdictSet allowed = {};        // what it may show when a handler calls
  std::string_view summary = {};
  // Equal numbers: the interrupted code, or the handler's, is the same; one trace serves all.
  unsigned operation_side = 0, handler_side = 0;
  // A signal's frame goes where SP is (no SA_ONSTACK), not to the alternate stack.
  bool own_stack = false;
};

enum class Part : std::uint8_t { caller, stub, fn };

// What the harness offers to a subject. SIGNAL throughout.
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

class Subject {
 public:
  virtual ~Subject() = default;

  // ---- what there is
  virtual std::string_view isa() const = 0;
  virtual std::span<const Protocol> protocols() const = 0;
  // Protocols of this subject that exist for another ISA only.
  struct Elsewhere {
    std::string_view protocol, isa;
  };
  virtual std::span<const Elsewhere> elsewhere() const { return {}; }
  virtual std::span<const Site> sites() const = 0;
  // Does this protocol's stub refuse the operation's own, legal call?
  virtual bool rejects(unsigned /*protocol*/, unsigned /*site*/) const { return false; }
  virtual std::span<const std::string_view> slots() const = 0;  // names, by index
  virtual unsigned word_bits() const = 0;
  // The throw that is a rejection; empty: none.
  virtual std::string_view reject_message() const = 0;
  // Where injectable code lies, in any order.
  virtual std::span<const Region> code() const = 0;
  virtual Part part(std::string_view symbol) const = 0;
  virtual const void* slot_address(unsigned slot) const = 0;
  // Words whose accesses are traced like the slots': a boundary at which one is live, written and
  // still to be read, has its mark.
  struct Cell {
    const void* address;
    Marks mark;
  };
  virtual std::span<const Cell> cells() const { return {}; }
  // The memory that holds slots and cells, on pages of its own.
  virtual unsigned traced_pages(std::span<Region> out) const = 0;

  // ---- a trial
  // Makes the state of a process that has just started. Nothing is left of earlier trials.
  virtual void reset(unsigned protocol) = 0;
  // Where the operation's first instruction is: the trace starts there.
  virtual const void* entry(unsigned protocol, unsigned site) const = 0;
  // Runs the site to its end on the calling thread, by harness->operation(). `call.in` is given.
  virtual void run(unsigned protocol, unsigned site, Call* call) = 0;
  // SIGNAL. The handler's own call of a site, by the protocol's handler convention.
  virtual void handle(unsigned protocol, unsigned site, Call* call) = 0;
  // What the kernel is given as a signal's handler; installed for the signals that the harness
  // names.
  using Entry = void (*)(int, siginfo_t*, void*);
  virtual Entry signal_entry() const = 0;
  virtual void install(std::span<const int> signals, Harness* harness) = 0;
  // Registers the alternate stack; after something else in the process has set its own.
  virtual Region alternate_stack() const = 0;

  // ---- what is checked. SIGNAL.
  // "sp=caller", "g=g0/sp=gsignal": the state of the switch when SP is sp. Appends at most `room`
  // bytes, returns the count.
  virtual std::size_t describe(std::uint64_t sp, char* out, std::size_t room) const = 0;
  // What holds when SP is sp, as bits; `red_zone`: bytes below SP that belong to the interrupted
  // code.
  virtual Marks marks(std::uint64_t /*sp*/, std::uint64_t /*red_zone*/) const { return 0; }
  virtual std::span<const std::string_view> mark_names() const { return {}; }
  // The words of the switch whose order of change is part of the contract, read when SP is sp: one
  // value for each name of watched(). in_handler: a handler's switches are meant, not the
  // operation's. False where what runs is neither.
  virtual bool watch(std::uint64_t /*sp*/, bool /*in_handler*/, std::uint64_t* /*values*/) const {
    return false;
  }
  virtual std::span<const std::string_view> watched() const { return {}; }
  // A number for the stack that sp is in: equal numbers, same stack.
  virtual unsigned stack_of(std::uint64_t sp) const = 0;
  // Whose code runs; and, in a handler, whose code its signal has interrupted, as the handler was
  // told. Equal for one signal. A subject that has nothing to tell leaves both.
  virtual const void* running() const { return nullptr; }
  virtual const void* interrupted() const { return nullptr; }
  // Stack memory in use when SP is sp: whatever runs on another stack must not change it.
  virtual unsigned live_regions(std::uint64_t sp, std::span<Region> out) const = 0;
  // Overwrites stack memory that nothing uses while SP is sp (0: nothing runs), so that whoever
  // writes there next is seen to have written, even if it writes what the last one did.
  virtual void scrub(std::uint64_t /*sp*/) {}
  // The subject's own state without the slots: all of it, and what must be the same after every
  // run.
  virtual unsigned state_regions(std::span<Region> out) const = 0;
  virtual unsigned rest_regions(std::span<Region> out) const = 0;
  // Did this call's fn run where it should have? Null if so, else what is wrong (a static string).
  virtual const char* check_call(unsigned site, const Call& call, bool in_handler) const = 0;
  // After an operation that came to its end: is something else that it must keep not as it was?
  // Null, or what (a static string).
  virtual const char* check_state(unsigned /*site*/, const Call& /*call*/) const { return nullptr; }
  // Memory whose poisoning a sanitizer must forget after an abandoned trial: all the stacks.
  virtual unsigned stacks(std::span<Region> out) const = 0;
  // The name of the stack with that index among them.
  virtual std::string_view stack_name(unsigned /*index*/) const { return "stack"; }

  // ---- benchmarks of what is the subject's: by name, and `rounds` rounds of one, where its stack
  // and its state are as that code wants them.
  virtual std::span<const std::string_view> benchmarks() const { return {}; }
  virtual void run_benchmark(unsigned /*index*/, std::uint64_t /*rounds*/) {}

  // ---- checks that need no signal (claim 0). Each appends to `report`; returns how many ran.
  struct Check {
    std::string name;
    std::string problem;  // empty: it holds
  };
  virtual unsigned check_count() const = 0;
  virtual Check check(unsigned index) = 0;
  // Is this what a rejected process must print and how it must exit? Empty if so, else what is
  // wrong.
  virtual std::string check_throw_output(std::string_view output, int exit_status) const = 0;
};

// The subject that this program was linked with.
Subject& subject();

}  // namespace sigsweep
