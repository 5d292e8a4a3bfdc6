// What a subject tells about its own state. SIGNAL throughout: async-signal-safe, allocates
// nothing.
#pragma once

#include "stress/subject/backtrace.h"
#include "stress/subject/tables.h"

namespace sigsweep {

class Checks {
 public:
  // ---- while SP is sp
  // A number for the stack that sp is in: equal numbers, same stack. 0: it is in none.
  virtual unsigned stack_of(std::uint64_t sp) const = 0;
  // Stack memory in use: code that runs on another stack must not change it.
  virtual unsigned live_regions(std::uint64_t sp, std::span<Region> out) const = 0;
  // "sp=caller", "sp=co1": the state of the switch. Appends at most `room` bytes, returns
  // the count.
  virtual std::size_t describe(std::uint64_t sp, char* out, std::size_t room) const = 0;
  // What holds, as bits; `red_zone`: bytes below SP that belong to the interrupted code.
  virtual Marks marks(std::uint64_t /*sp*/, std::uint64_t /*red_zone*/) const { return 0; }
  // The words of the switch whose order of change is part of the contract: one value for each name
  // of Tables::watched(). in_handler: asks for a handler's switches, not the operation's. False if
  // the running code is neither.
  virtual bool watch(std::uint64_t /*sp*/, bool /*in_handler*/, std::uint64_t* /*values*/) const {
    return false;
  }
  // Whose code runs. In a handler also: whose code the signal has interrupted, as the handler was
  // told. Equal for one signal. A subject that has nothing to tell leaves both.
  virtual const void* running() const { return nullptr; }
  virtual const void* interrupted() const { return nullptr; }

  // ---- a backtrace from a handler
  // The frames that it may find, beside that of the operation's caller, which the engine knows.
  // Appends as many as there is room for, returns the count.
  virtual unsigned known_frames(std::span<KnownFrame> /*out*/) const { return 0; }
  // How far it must come, from code that was interrupted at pc.
  virtual UnwindGrade least_unwind(std::uint64_t /*pc*/, std::uint64_t /*sp*/) const {
    return UnwindGrade::resumer;
  }
  // Is that all that is known of where it must end? False: nothing is known of the stack that SP is
  // in, so one that ends early may be right or wrong.
  virtual bool judges_unwind(std::uint64_t /*sp*/) const { return true; }

  // ---- around a trial
  // The subject's own state without the slots: all of it, and the part that must be the same after
  // every run.
  virtual unsigned state_regions(std::span<Region> /*out*/) const { return 0; }
  virtual unsigned rest_regions(std::span<Region> /*out*/) const { return 0; }
  // Does a handler's call leave the control words as they are? False: a body may set them, and the
  // switch does not put them back.
  virtual bool keeps_controls() const { return true; }
  // Did this call's fn run where it should have? Null if so, else what is wrong (a static string).
  virtual const char* check_call(unsigned /*site*/, const Call& /*call*/,
                                 bool /*in_handler*/) const {
    return nullptr;
  }
  // After an operation that ended by itself: has other state changed that it must keep? Null, or
  // what changed (a static string).
  virtual const char* check_state(unsigned /*site*/, const Call& /*call*/) const { return nullptr; }

 protected:
  ~Checks() = default;
};

}  // namespace sigsweep
