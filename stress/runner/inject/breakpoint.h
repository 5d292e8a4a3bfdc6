// One-shot breakpoints at exact instruction boundaries, and single steps.
//
// The text is patched through a second mapping of the same pages, so that none is writable and
// executable at once. A breakpoint is taken out by its own trap, before anything else runs: the
// handler of the signal may run the same code. All functions but attach() are async-signal-safe.
// Process-wide state, one thread.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <string>

#include "stress/runner/subject.h"

namespace sigsweep::inject {

// What is done when a trap comes. Both run in the SIGTRAP handler, with every signal masked but the
// synchronous ones.
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
std::string attach(Region code, TrapClient* client);

inline constexpr unsigned kMaxBreaks = 8;

// Arms breakpoint `index` at pc, to be hit when pc is reached for the nth time from now.
void arm(unsigned index, std::uint64_t pc, std::uint32_t nth);
// Takes out every breakpoint that was not hit, and forgets a step under way.
void disarm_all();

// Step from the breakpoint that is being handled on, until on_step says no.
void start_stepping(ucontext_t* uc);

// Is pc, which a fault names, one that a breakpoint stands at? (Then the fault is the harness's.)
bool is_patched(std::uint64_t pc);

}  // namespace sigsweep::inject
