// The boundaries of an operation, in the order of execution, each with its phase and its live
// slots; and what follows from the live slots: which verdict a handler has at which boundary (the
// prediction).
//
// Nothing here knows of injection: boundaries come from single steps, accesses from page
// protection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/runner/subject.h"

namespace sigsweep {

// One step as it was recorded: the state in front of an instruction. Filled in signal context.
struct Step {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  char state[48] = {};  // Subject::describe
};

// An access to a slot by the instruction at step `step`.
struct Access {
  std::uint32_t step = 0;
  std::uint8_t slot = 0;
  bool write = false;
};

struct Boundary {
  std::uint64_t pc = 0;  // in this process
  std::uint32_t nth = 1;
  std::string symbol;
  std::uint64_t offset = 0;
  Part part = Part::caller;
  SlotMask live = 0;           // written, and to be read
  SlotMask live_argument = 0;  // ... by a fn; the others by a caller
  std::string phase;           // with #n
};

struct Trace {
  std::vector<Boundary> boundaries;
  std::vector<Access> accesses;

  // The boundary of that name, or the one of that phase (the last one if #n is beyond); -1: none.
  int find(const std::string& symbol, std::uint64_t offset, std::uint32_t nth) const;
  int find_phase(const std::string& phase, bool* clamped) const;
};

// Names the steps and derives phases and live slots. Empty, or what is wrong.
std::string build_trace(const Subject& subject, const std::vector<Step>& steps,
                        const std::vector<Access>& accesses, Trace* out);

// The slots that a handler at this boundary spoils.
struct Prediction {
  SlotMask arguments = 0;
  SlotMask results = 0;
  SlotMask left = 0;
  bool operator==(const Prediction&) const = default;
};
Prediction predict(const Trace& trace, unsigned boundary, const Site& site, SlotMask written,
                   SlotMask left_zero);

}  // namespace sigsweep
