// The memory that one x86 instruction uses, and the register that it sets: as much as is needed to
// find out where a value came from. For the general instructions; of others it knows nothing.
#pragma once

#include <cstdint>
#include <span>

namespace sigsweep {

inline constexpr int kNoRegister = -1;
inline constexpr int kStackPointer = 4;  // as instructions number registers

struct X86Instruction {
  enum Kind : std::uint8_t {
    other,
    load,    // `to` = memory
    move,    // `to` = `from`
    adjust,  // `to` = itself and something more: add, sub, lea of itself
    pop,     // `to` = the word at SP
    push,
    call,  // direct
    ret,
    leave,          // SP = the frame pointer, which is then popped
    call_memory,    // through a word of memory
    call_register,  // through `from`
    jump_memory,
    jump_register,
    system,  // a system call
    trap     // ud2, int3, hlt
  } kind = other;
  int to = kNoRegister, from = kNoRegister;
  // The operand in memory, if it has one.
  bool has_memory = false;
  int base = kNoRegister, index = kNoRegister;
  unsigned scale = 1;
  std::int64_t displacement = 0;
  bool of_next = false;     // the displacement counts from the next instruction
  bool of_segment = false;  // and from FS's or GS's base
  unsigned length = 0;      // bytes; 0: unknown
};

// `code`: the bytes of the instruction, and any that follow. `wide`: of a 64-bit process.
X86Instruction decode_x86(std::span<const unsigned char> code, bool wide);

}  // namespace sigsweep
