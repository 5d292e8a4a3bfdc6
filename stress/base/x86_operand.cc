// Prefixes, opcode, ModRM, SIB, displacement.
#include "stress/base/x86_operand.h"

#include <cstring>

namespace sigsweep {
namespace {

using Kind = X86Instruction::Kind;

constexpr unsigned kTwoByte = 0x0f;
constexpr int kFramePointer = 5;

// What stands before the opcode.
struct Prefixes {
  bool wide = false;
  bool narrow = false;   // 16 bits
  bool segment = false;  // FS or GS
  unsigned rex = 0;
  int extended(unsigned bit) const { return (rex >> bit & 1) != 0 ? 8 : 0; }
};

class Decoder {
 public:
  Decoder(std::span<const unsigned char> code, bool wide) : code_(code) { prefixes_.wide = wide; }

  X86Instruction decode() {
    take_prefixes();
    const unsigned opcode = byte();
    if (opcode == kTwoByte) {
      two_byte(byte());
    } else if (!without_operand(opcode)) {
      with_operand(opcode);
    }
    it_.of_segment = it_.has_memory && prefixes_.segment;
    it_.length = at_ <= code_.size() && known_ ? static_cast<unsigned>(at_) : 0;
    if (at_ > code_.size()) return {};  // it is cut off
    return it_;
  }

 private:
  unsigned byte() {
    const std::size_t at = at_++;
    return at < code_.size() ? code_[at] : 0;
  }
  std::int64_t number(unsigned bytes) {
    std::int32_t value = 0;
    if (bytes == 1) {
      value = std::int32_t{static_cast<std::int8_t>(byte())};  // its sign counts
    } else if (at_ + sizeof value <= code_.size()) {
      std::memcpy(&value, code_.data() + at_, sizeof value);
      at_ += sizeof value;
    } else {
      at_ = code_.size() + 1;
    }
    return value;
  }
  void skip(unsigned bytes) { at_ += bytes; }
  unsigned immediate() const { return prefixes_.narrow ? 2 : 4; }

  void take_prefixes() {
    for (;; at_++) {
      const unsigned next = at_ < code_.size() ? code_[at_] : 0;
      if (next == 0x64 || next == 0x65) {
        prefixes_.segment = true;
      } else if (next == 0x66) {
        prefixes_.narrow = true;
      } else if (next != 0xf0 && next != 0xf2 && next != 0xf3 && next != 0x2e && next != 0x3e) {
        break;
      }
    }
    if (prefixes_.wide && at_ < code_.size() && (code_[at_] & 0xf0) == 0x40)
      prefixes_.rex = code_[at_++];
  }

  void set(Kind kind, int to = kNoRegister, int from = kNoRegister) {
    it_.kind = kind;
    it_.to = to;
    it_.from = from;
  }

  // Reads ModRM and what belongs to it. Returns the register of its middle field.
  int operand() {
    const unsigned modrm = byte(), mode = modrm >> 6, low = modrm & 7;
    const int middle = static_cast<int>(modrm >> 3 & 7);
    if (mode == 3) {
      register_ = static_cast<int>(low) + prefixes_.extended(0);
      return middle + prefixes_.extended(2);
    }
    it_.has_memory = true;
    it_.base = static_cast<int>(low) + prefixes_.extended(0);
    bool no_base = mode == 0 && low == 5;
    if (low == 4) no_base = take_sib(mode);
    if (no_base) {
      it_.base = kNoRegister;
      it_.of_next = low == 5 && prefixes_.wide;
    }
    if (mode == 1) it_.displacement = number(1);
    if (mode == 2 || no_base) it_.displacement = number(4);
    return middle + prefixes_.extended(2);
  }
  // True: it has no base.
  bool take_sib(unsigned mode) {
    const unsigned sib = byte();
    it_.base = static_cast<int>(sib & 7) + prefixes_.extended(0);
    it_.index = static_cast<int>(sib >> 3 & 7) + prefixes_.extended(1);
    if (it_.index == kStackPointer) it_.index = kNoRegister;
    it_.scale = 1U << (sib >> 6);
    return mode == 0 && (sib & 7) == 5;
  }

  // True: it is one of those without ModRM.
  bool without_operand(unsigned opcode) {
    const int low = static_cast<int>(opcode & 7) + prefixes_.extended(0);
    if (opcode >= 0x50 && opcode <= 0x57) {
      set(Kind::push, kNoRegister, low);
    } else if (opcode >= 0x58 && opcode <= 0x5f) {
      set(Kind::pop, low);
    } else if (opcode == 0x68 || opcode == 0x6a) {
      set(Kind::push);
      skip(opcode == 0x68 ? 4 : 1);
    } else if (opcode == 0xc3 || opcode == 0xc2) {
      set(Kind::ret);
      skip(opcode == 0xc2 ? 2 : 0);
    } else if (opcode == 0xc9) {
      set(Kind::leave, kStackPointer, kFramePointer);
    } else if (opcode == 0xe8) {
      set(Kind::call);
      skip(4);
    } else if (opcode == 0xcd) {
      set(Kind::system);
      skip(1);
    } else if (opcode == 0xcc || opcode == 0xf4) {
      set(Kind::trap);
    } else if (opcode >= 0xb8 && opcode <= 0xbf) {
      it_.to = low;
      skip((prefixes_.rex & 8) != 0 ? 8 : immediate());
    } else {
      return without_any(opcode);
    }
    return true;
  }
  // The rest of them: jumps, string instructions and the like. What they set is not told.
  bool without_any(unsigned opcode) {
    const bool arithmetic = opcode < 0x40 && (opcode & 7) < 4;
    const bool with = arithmetic || opcode == 0x62 || opcode == 0x63 || opcode == 0x69 ||
                      opcode == 0x6b || (opcode >= 0x80 && opcode <= 0x8f) ||
                      (opcode >= 0xc0 && opcode <= 0xc1) || (opcode >= 0xc4 && opcode <= 0xc7) ||
                      (opcode >= 0xd0 && opcode <= 0xd3) || (opcode >= 0xd8 && opcode <= 0xdf) ||
                      opcode == 0xf6 || opcode == 0xf7 || opcode >= 0xfe;
    known_ = with;
    return !with;
  }

  void with_operand(unsigned opcode) {
    const int middle = operand();
    const int which = middle & 7;  // of an opcode that has several
    const bool memory = it_.has_memory;
    if (opcode == 0x8b || opcode == 0x63) {
      set(memory ? Kind::load : Kind::move, middle, register_);
    } else if (opcode == 0x89) {
      if (!memory) set(Kind::move, register_, middle);
    } else if (opcode == 0x87) {
      set(memory ? Kind::load : Kind::other, middle);
    } else if (opcode == 0x8f) {
      set(Kind::pop, memory ? kNoRegister : register_);
    } else if (opcode == 0x8d) {
      set(it_.base == middle ? Kind::adjust : Kind::other, middle);
      it_.has_memory = false;  // it only computes
    } else if (opcode == 0xff) {
      through(which);
    } else if (opcode == 0x81 || opcode == 0x83 || opcode == 0x80) {
      if (!memory && which != 7) set(Kind::adjust, register_);
      skip(opcode == 0x81 ? immediate() : 1);
    } else if (opcode < 0x40 && (opcode & 0x38) != 0x38) {  // add, or, ... but cmp
      const bool to_middle = (opcode & 2) != 0;
      if (to_middle || !memory) set(Kind::adjust, to_middle ? middle : register_);
    } else {
      immediates(opcode, which);
    }
  }
  void immediates(unsigned opcode, int which) {
    const bool tests = (opcode == 0xf6 || opcode == 0xf7) && which < 2;
    if (opcode == 0xc7 || opcode == 0x69 || (tests && opcode == 0xf7)) skip(immediate());
    if (opcode == 0xc6 || opcode == 0xc0 || opcode == 0xc1 || opcode == 0x6b ||
        (tests && opcode == 0xf6)) {
      skip(1);
    }
  }
  void through(int which) {
    if (which == 2) set(it_.has_memory ? Kind::call_memory : Kind::call_register);
    if (which == 4) set(it_.has_memory ? Kind::jump_memory : Kind::jump_register);
    if (which == 6) set(Kind::push);
    if (!it_.has_memory) it_.from = register_;
  }

  void two_byte(unsigned opcode) {
    if (opcode == 0x05 || opcode == 0x34) return set(Kind::system);
    if (opcode == 0x0b) return set(Kind::trap);
    known_ = (opcode >= 0x10 && opcode <= 0x2f) || (opcode >= 0x40 && opcode <= 0x7f) ||
             (opcode >= 0x90 && opcode <= 0x9f) ||
             (opcode >= 0xa3 && opcode != 0xa8 && opcode != 0xa9 && opcode != 0xaa);
    if (!known_) return;
    const int middle = operand();
    const bool extends = opcode == 0xb6 || opcode == 0xb7 || opcode == 0xbe || opcode == 0xbf;
    const bool moves = extends || (opcode >= 0x40 && opcode <= 0x4f);  // or a conditional move
    if (moves) set(it_.has_memory ? Kind::load : Kind::move, middle, register_);
  }

  std::span<const unsigned char> code_;
  std::size_t at_ = 0;
  Prefixes prefixes_;
  X86Instruction it_;
  int register_ = kNoRegister;  // the operand, where it is a register
  bool known_ = true;
};

}  // namespace

X86Instruction decode_x86(std::span<const unsigned char> code, bool wide) {
  return Decoder(code, wide).decode();
}

}  // namespace sigsweep
