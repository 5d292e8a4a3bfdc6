// The way of a trial that was stepped: each of its instructions with the registers in front of it,
// and where the value of a register came from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/base/code_ranges.h"
#include "stress/base/x86_operand.h"
#include "stress/engine/engine.h"
#include "stress/engine/slot_reader.h"

namespace sigsweep {

// Whose instruction it is: an injection's, while its handler is under way, or one of these.
inline constexpr int kOfOperation = -1, kOfSignal = -2;  // kOfSignal: a signal's way in

struct Moment {
  StepRegisters registers;
  int by = kOfOperation;
  bool landed = false;   // a signal has landed
  bool in_code = false;  // code under test
  std::uint64_t sp() const { return registers.general[kStackPointer]; }
};

// A word whose changes are noted. No bytes: none is watched.
struct Watched {
  std::uint64_t address = 0;
  unsigned bytes = 0;
};
struct Change {
  std::size_t moment;  // of the instruction that wrote it
  std::uint64_t value;
};

// Where a register's value came from: a word of memory that `moment` read, or an instruction at
// `moment` that made it. Neither: it was there from the beginning.
struct Origin {
  enum Kind : std::uint8_t { unknown, memory, made } kind = unknown;
  std::size_t moment = 0;
  std::uint64_t address = 0;
};

class Way {
 public:
  static constexpr bool kWide = sizeof(void*) == 8;

  explicit Way(const Subject& subject) : code_(subject.code()), slots_(subject) {}

  // Empty, or why it could not be stepped.
  std::string walk(Engine& engine, const Plan& plan, const Judgement& expected, Watched watched);

  const std::vector<Moment>& moments() const { return moments_; }
  const std::vector<Change>& changes() const { return changes_; }
  const StepFault& fault() const { return fault_; }
  SteppedTrial::End end() const { return end_; }
  bool stack_is_readable() const { return stack_is_readable_; }  // at the end
  const std::uint64_t* slots() const { return slots_at_end_; }
  // The value of the watched word in front of the first instruction.
  std::uint64_t first_value() const { return first_value_; }

  X86Instruction instruction(std::size_t moment) const;
  std::uint64_t operand(std::size_t moment, const X86Instruction& instruction) const;
  // Of the value that the register has in front of that moment's instruction.
  Origin origin(int reg, std::size_t moment) const;
  // The first call that came back with another value in the register: the moment of the instruction
  // that came back. 0: there is none.
  std::size_t loss(int reg) const;
  // Of what made the last instruction fault: the register, and the origin of its value.
  Origin origin_of_fault(int* reg) const;

 private:
  void look_at_slots(const StepMemory& memory);
  bool take(const StepView& view, const Plan& plan, Watched watched);
  Origin origin_of_jump(std::size_t moment, int* reg) const;

  CodeRanges code_;
  SlotReader slots_;
  std::vector<Moment> moments_;
  std::vector<Change> changes_;
  StepFault fault_;
  SteppedTrial::End end_ = SteppedTrial::came_back;
  std::uint64_t first_value_ = 0, value_ = 0;
  std::uint64_t slots_at_end_[kMaxSlots] = {};
  bool stack_is_readable_ = true;
  std::size_t most_ = 0;  // moments
};

}  // namespace sigsweep
