// One-shot breakpoints at exact instruction boundaries, and single steps.
//
// The text is patched through second mappings of its pages (patched_text.h). A breakpoint is taken
// out by its own trap, before anything else runs: the handler of the signal may run the same code.
// All functions but attach() are async-signal-safe. Process-wide state, one thread.
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

// What is done when a trap comes. Both run in the SIGTRAP handler, with every signal masked but the
// synchronous ones if traps are masking.
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
// `constants`: what of the code is data, which must be told where a step is made of patches.
std::string attach(CodeRanges ranges, std::vector<Region> constants, TrapClient* trap_client);

// Hands the traps to somebody else; returns who had them.
TrapClient* set_client(TrapClient* trap_client);

// What traps are to be like.
struct TrapWanted {
  // Which have their frame on the stack that is interrupted; the others, on the alternate stack.
  bool own_handed_on = false;  // to on_break, as the signal that it stands for would have it
  bool own_passing = false;    // must disturb nothing
  // Every signal is masked meanwhile, so that what is made pending lands when the trap returns, by
  // sigreturn. Else the mask stays as it is, and a trap that was handed on goes back without the
  // kernel: what sigreturn would restore is restored by the processor's own instructions.
  bool masking = true;
  // What lies below the red zone of interrupted code is overwritten first; null: nothing is.
  const StackPaint* paint = nullptr;
  std::uint64_t red_zone = kRedZone;  // bytes below SP that the signal leaves alone
};
void want_traps(TrapWanted traps);

inline constexpr unsigned kMaxBreaks = 16;

// Arms breakpoint `index` at pc, to be hit when pc is reached for the nth time from now. Passes
// before that are stepped over, a second trap for each, unless there is a `gate`: an address that
// is reached first between the pass before the nth and the nth. REQUIRES: it is not armed;
// pc and gate lie in the code that was attached.
void arm(unsigned index, std::uint64_t pc, std::uint32_t nth, std::uint64_t gate = 0);
bool is_armed(unsigned index);
// Takes a breakpoint out for a while: passes are not counted until it is resumed. Nothing where it
// is not armed, or not suspended.
void suspend(unsigned index);
void resume(unsigned index);
// All that are in the code; bit i: breakpoint i was.
std::uint32_t suspend_all();
void resume_all(std::uint32_t suspended);
// Is every patch out of the code again? REQUIRES: nothing is armed. Looks at all of it.
bool is_pristine();
// Takes out what a child that died has left there. REQUIRES: nothing is armed.
void make_pristine();
// Takes out every breakpoint that was not hit, and forgets a step under way.
void disarm_all();

// Step from the breakpoint that is being handled on, until on_step says no.
void start_stepping(ucontext_t* uc);
// Step from here on, outside any trap; and no further. Where steps are made of patches they go on
// meanwhile: what is not the code under test has none.
void resume_stepping();
void stop_stepping();

// Is this a breakpoint's trap whose frame could not be written, as its fault's context shows it?
bool is_undelivered_trap(const ucontext_t* uc);

}  // namespace sigsweep::trap
