// One-shot breakpoints at exact instruction boundaries, and single steps.
//
// The text is patched through second mappings of its pages (patched_text.h). A breakpoint's own
// trap takes it out before anything else runs: the handler of the signal may run the same code. All
// functions except attach() are async-signal-safe. Process-wide state, one thread.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <string>
#include <vector>

#include "stress/base/code_ranges.h"
#include "stress/base/region.h"
#include "stress/trap/arch.h"
#include "stress/trap/stack_paint.h"

namespace sigsweep::trap {

// The client's part of a trap. Both functions run in the SIGTRAP handler. If traps are masking,
// every signal except the synchronous ones is masked there.
class TrapClient {
 public:
  // The breakpoint `index` was reached for the nth time; uc's pc is at the boundary.
  virtual void on_break(unsigned index, ucontext_t* uc) = 0;
  // Single-stepping: uc's pc is at a boundary. Returns whether to go on stepping.
  virtual bool on_step(ucontext_t* uc) = 0;

 protected:
  ~TrapClient() = default;
};

// Maps the code a second time and installs the SIGTRAP handler. Empty, or what is wrong.
// `constants`: the data within the code; required if steps are made of patches.
std::string attach(CodeRanges ranges, std::vector<Region> constants, TrapClient* trap_client);

// Hands the traps to another client; returns the former one.
TrapClient* set_client(TrapClient* trap_client);

// The wanted form of traps.
struct TrapWanted {
  // The traps that have their frame on the interrupted stack. The others use the alternate stack.
  bool own_handed_on = false;  // to on_break, as the signal that it stands for would have it
  bool own_passing = false;    // must disturb nothing
  // Every signal is masked meanwhile. So a signal that is made pending lands when the trap returns,
  // by sigreturn. Else the mask stays as it is, and a trap that was handed on returns without the
  // kernel: the processor's own instructions restore what sigreturn would.
  bool masking = true;
  // Signals land by doors where they can (doors.h). REQUIRES: not masking.
  bool doors = false;
  // The memory below the interrupted code's red zone is overwritten first; null: it is not.
  const StackPaint* paint = nullptr;
  std::uint64_t red_zone = kRedZone;  // bytes below SP that the signal leaves alone
};
// A hardware breakpoint was armed: its trap must land where the next signal is wanted.
void hwbreaks_changed();
void want_traps(const TrapWanted& traps);

inline constexpr unsigned kMaxBreaks = 16;

// Arms breakpoint `index` at pc; it is hit when pc is reached for the nth time from now. Earlier
// passes are stepped over, a second trap for each. A `gate` avoids that: an address that is reached
// first between the last two of these passes. REQUIRES: it is not armed; pc and gate lie in the
// attached code.
void arm(unsigned index, std::uint64_t pc, std::uint32_t nth, std::uint64_t gate = 0);
bool is_armed(unsigned index);
// Takes a breakpoint out for a while: passes are not counted until it is resumed. Does nothing if
// it is not armed (suspend) or not suspended (resume).
void suspend(unsigned index);
void resume(unsigned index);
// All that are in the code; bit i of the result: breakpoint i was there.
std::uint32_t suspend_all();
void resume_all(std::uint32_t suspended);
// Takes out the doors that stay in the code between trials, also those of a process that shares the
// text. Whoever hands the text to another process does so first. REQUIRES: nothing is armed.
void take_out_doors();
// Is every patch out of the code again? REQUIRES: nothing is armed. Looks at all the code.
bool is_pristine();
// The lowest address whose byte is not the code's own, or 0. REQUIRES: nothing is armed.
std::uint64_t first_patch();
// Removes the patches of a child that died. REQUIRES: nothing is armed.
void make_pristine();
// Takes out every breakpoint that is still armed, and forgets a step under way.
void disarm_all();

// From the breakpoint in hand, steps on until on_step returns false.
void start_stepping(ucontext_t* uc);
// Steps from here on, outside any trap; and stops stepping. Steps that are made of patches go on in
// between: code that is not under test has none.
void resume_stepping();
void stop_stepping();

// Did the breakpoint in hand come by a door? REQUIRES: within on_break.
bool is_by_door();
// The address in the code under test that pc stands for: a door's copy of an instruction is elsewhere.
std::uint64_t code_of(std::uint64_t pc);

// Is this a breakpoint's trap whose frame could not be written, as its fault's context shows it?
bool is_undelivered_trap(const ucontext_t* uc);

}  // namespace sigsweep::trap
