// The boundaries of an operation, or of a handler, in the order of execution, each with its phase
// and its live slots. The live slots give the prediction: the verdict of a handler at each
// boundary.
//
// Nothing here knows of injection: boundaries come from single steps, accesses from page
// protection.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stress/schedule/phase.h"
#include "stress/subject/subject.h"

namespace sigsweep {

inline constexpr unsigned kMaxPreserved = 12;  // registers and control words that a call must keep

// One step as it was recorded: the state in front of an instruction. Filled in signal context.
struct Step {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  char state[48] = {};                      // Subject::describe
  Marks marks = 0;                          // Subject::marks
  bool watches = false;                     // Subject::watch
  std::uint64_t watched[kMaxWatched] = {};  // as Subject::watch gave them
  std::uint64_t preserved[kMaxPreserved] = {};
};

// An access to a slot, or to a cell (kMaxSlots + its index), by the instruction at step `step`.
struct Access {
  std::uint32_t step = 0;
  std::uint8_t slot = 0;
  bool write = false;
};

struct Boundary {
  std::uint64_t pc = 0;  // in this process
  std::uint64_t sp = 0;
  std::uint32_t nth = 1;
  std::uint64_t gate = 0;  // of an nth pass: a pc first reached after the pass before; 0: none
  std::string symbol;
  std::uint64_t offset = 0;
  std::string module;         // the file's base name; empty: the program itself
  std::uint64_t address = 0;  // as linked in that file
  Part part = Part::caller;
  SlotMask live = 0;           // written, and to be read
  SlotMask live_argument = 0;  // read by a fn; the others by a caller
  Marks marks = 0;             // Subject::marks
  bool watches = false;        // Subject::watch
  std::uint32_t changes = 0;   // bit i: this instruction changed the watched word i
  Phase phase;
  std::uint64_t phase_hash = 0;  // Phase::hash, which takes long
  std::uint64_t preserved[kMaxPreserved] = {};
};

struct Trace {
  std::vector<Boundary> boundaries;
  std::vector<Access> accesses;
  bool complete = true;  // the recording reached the end, without a throw or a fault on the way

  // The boundary of that name, or of that phase (the last one if #n is beyond); -1: none.
  int find(const std::string& symbol, std::uint64_t offset, std::uint32_t nth) const;
  int find_phase(const Phase& phase, bool* clamped) const;
};

// Names the steps and derives phases and live slots. Empty, or what is wrong.
std::string build_trace(const Subject& subject, std::span<const Step> steps,
                        std::span<const Access> accesses, Trace* out);

// The first call that lost a value it must preserve: "A+0x67 comes back to B+0xd". `which`: an
// index of Step::preserved. Empty: every call kept it.
std::string lost_by(const Trace& trace, unsigned which);

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
