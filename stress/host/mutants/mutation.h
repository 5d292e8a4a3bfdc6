// From a function's instructions to its mutants: each one change, in place and of the same length.
// The kinds are the rows of kX86Kinds (x86.cc) and kArmKinds (arm.cc).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stress/host/mutants/decoded.h"

namespace sigsweep {

struct Mutant {
  std::string id;  // "SYMBOL+0xOFFSET:KIND:N": the same in each build with these instructions
  std::string isa, symbol, kind;
  std::uint64_t offset = 0;          // from the symbol's start
  std::string before, after;         // the instructions, as text
  std::string old_bytes, new_bytes;  // of one length
};

// What differs between an instruction and what it was made to be.
enum Difference : unsigned {
  kName = 1,
  kRegister = 2,      // an operand's, or the base of its address
  kDisplacement = 4,  // of an address
  kConstant = 8,
  kTarget = 16,
  kShape = 32,  // anything else
};
// How many registers differ, in *registers.
unsigned differences(const Decoded& before, const Decoded& after, unsigned* registers);

// A kind of mutation.
struct MutationKind {
  const char* name;
  unsigned differs;  // exactly this must differ, and of registers just one
  // The bytes that it may become; those that do not decode to what is meant are left out.
  std::vector<std::string> (*changes)(const Decoded& at, const Decoder& decoder);
  std::size_t most;  // so many of them, at most, are taken; 0: all
};
std::span<const MutationKind> x86_kinds();
std::span<const MutationKind> arm_kinds();

// The mutants of a function, in the order of its instructions.
std::vector<Mutant> mutants_of(const ProgramCode& program, const ProgramCode::Function& function,
                               const std::string& isa);

// The names of all kinds, for the summary.
std::vector<std::string> mutation_kinds();

}  // namespace sigsweep
