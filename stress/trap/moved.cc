// One rule a kind of instruction. An instruction of which anything is unknown is not moved.
#include "stress/trap/moved.h"

#include <cstring>
#include <limits>

#include "stress/base/x86_operand.h"

namespace sigsweep::trap {
namespace {

using Bytes = std::span<const unsigned char>;

bool is_prefix(unsigned char byte) {
  return byte == 0x66 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x3e ||
         byte == 0x64 || byte == 0x65 || byte == 0xf0 || byte == 0x67 || (byte & 0xf0) == 0x40;
}

template <class T>
T number_at(Bytes code, std::size_t at) {
  T value{};
  std::memcpy(&value, code.data() + at, sizeof value);
  return value;
}

// A direct branch of the instruction, by its opcode.
struct Branch {
  enum Kind : std::uint8_t { none, jump, conditional, call, unknown } kind = none;
  unsigned condition = 0;
  unsigned length = 0;
  std::int64_t displacement = 0;  // from the next instruction
};
Branch branch_of(Bytes code) {
  const auto fits = [&](unsigned length) { return code.size() >= length; };
  if (!fits(2)) return {Branch::unknown};
  const unsigned first = code[0], second = code[1];
  if (first == 0xeb) return {Branch::jump, 0, 2, static_cast<std::int8_t>(second)};
  if ((first & 0xf0) == 0x70)
    return {Branch::conditional, first & 15, 2, static_cast<std::int8_t>(second)};
  if (first >= 0xe0 && first <= 0xe3) return {Branch::unknown};  // loops: they have no long form
  if (first == 0xe9 || first == 0xe8) {
    if (!fits(5)) return {Branch::unknown};
    return {first == 0xe9 ? Branch::jump : Branch::call, 0, 5, number_at<std::int32_t>(code, 1)};
  }
  if (first == 0x0f && (second & 0xf0) == 0x80) {
    if (!fits(6)) return {Branch::unknown};
    return {Branch::conditional, second & 15, 6, number_at<std::int32_t>(code, 2)};
  }
  return {};
}

// Opcodes behind any prefixes that decode_x86() does not know to their last byte.
bool is_strange(Bytes code) {
  std::size_t at = 0;
  while (at < code.size() && is_prefix(code[at])) at++;
  if (at + 1 >= code.size()) return true;
  const unsigned opcode = code[at], second = code[at + 1];
  if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62) return true;  // VEX and EVEX
  if (at > 0 && branch_of(code.subspan(at)).kind != Branch::none) return true;
  if (opcode != 0x0f) return false;
  const bool has_immediate = (second >= 0x70 && second <= 0x73) || second == 0xa4 ||
                             second == 0xac || second == 0xba || second == 0xc2 ||
                             (second >= 0xc4 && second <= 0xc6);
  return has_immediate || second == 0x38 || second == 0x3a;
}

// The bytes of an instruction that decode_x86() does not tell, because it uses no memory; 0: it is
// none of those.
unsigned plain_length(Bytes code) {
  switch (code[0]) {
    case 0x90:  // nop
    case 0x98:  // cltq and the like
    case 0x99:
    case 0xf5:  // cmc, clc, stc, cld, std
    case 0xf8:
    case 0xf9:
    case 0xfc:
    case 0xfd:
      return 1;
    case 0x3c:  // cmp, test, and with AL
    case 0xa8:
    case 0x24:
      return 2;
    case 0x3d:  // with EAX
    case 0xa9:
    case 0x25:
      return 5;
    default:
      return 0;
  }
}

class Mover {
 public:
  Mover(Bytes code, std::uint64_t from, std::uint64_t to) : code_(code), from_(from), to_(to) {}

  // False: the instruction cannot be moved.
  bool move_next() {
    const Bytes rest = code_.subspan(out_.covered);
    if (out_.instructions == Moved::kMostInstructions || rest.empty() || is_strange(rest))
      return false;
    out_.places[out_.instructions++] = {out_.covered, out_.size};
    const Branch branch = branch_of(rest);
    if (branch.kind == Branch::unknown) return false;
    if (branch.kind != Branch::none) return move_branch(branch);
    X86Instruction it = decode_x86(rest, true);
    if (const unsigned plain = plain_length(rest); plain != 0) it = {.length = plain};
    if (it.length == 0 || it.length > rest.size()) return false;
    using Kind = X86Instruction::Kind;
    if (it.kind == Kind::system || it.kind == Kind::trap) return false;
    const bool calls = it.kind == Kind::call_memory || it.kind == Kind::call_register;
    // The word for the way back is pushed first.
    if (calls && (it.base == kStackPointer || it.from == kStackPointer)) return false;
    if (calls) push_return(out_.covered + it.length);
    if (!copy(rest.first(it.length), it, calls)) return false;
    called_ = calls;
    ended_ = calls || it.kind == Kind::ret || it.kind == Kind::jump_memory ||
             it.kind == Kind::jump_register;
    out_.covered += it.length;
    return true;
  }
  bool ended() const { return ended_; }
  bool called() const { return called_; }
  unsigned covered() const { return out_.covered; }
  // The bytes behind an end, that nobody runs.
  void cover(unsigned bytes) { out_.covered += bytes; }

  Moved finish() {
    if (!ended_ && !put_jump(0xe9, from_ + out_.covered)) return {};
    return out_;
  }

 private:
  std::uint64_t here() const { return to_ + out_.size; }
  bool put(Bytes bytes) {
    if (out_.size + bytes.size() > Moved::kMost) return false;
    std::memcpy(out_.code + out_.size, bytes.data(), bytes.size());
    out_.size += static_cast<unsigned>(bytes.size());
    return true;
  }
  template <class T>
  bool put_number(T value) {
    unsigned char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    return put(bytes);
  }
  // The distance as an instruction has it.
  static bool fits(std::int64_t distance) {
    return distance >= std::numeric_limits<std::int32_t>::min() &&
           distance <= std::numeric_limits<std::int32_t>::max();
  }
  bool put_distance(std::uint64_t target) {
    const auto distance = static_cast<std::int64_t>(target - (here() + 4));
    return fits(distance) && put_number(static_cast<std::int32_t>(distance));
  }
  bool put_jump(unsigned char opcode, std::uint64_t target) {
    const unsigned char bytes[] = {opcode};
    return put(bytes) && put_distance(target);
  }
  // As the call would, and without a change of the flags.
  bool push_return(unsigned behind) {
    const std::uint64_t back = from_ + behind;
    constexpr unsigned char kRoom[] = {0x48, 0x8d, 0x64, 0x24, 0xf8};  // leaq -8(%rsp), %rsp
    constexpr unsigned char kLow[] = {0xc7, 0x04, 0x24};               // movl $, (%rsp)
    constexpr unsigned char kHigh[] = {0xc7, 0x44, 0x24, 0x04};        // movl $, 4(%rsp)
    return put(kRoom) && put(kLow) && put_number(static_cast<std::uint32_t>(back)) && put(kHigh) &&
           put_number(static_cast<std::uint32_t>(back >> 32));
  }
  bool move_branch(const Branch& branch) {
    const std::uint64_t next = from_ + out_.covered + branch.length;
    const std::uint64_t target = next + static_cast<std::uint64_t>(branch.displacement);
    out_.covered += branch.length;
    if (branch.kind == Branch::conditional) {
      const unsigned char bytes[] = {0x0f, static_cast<unsigned char>(0x80 | branch.condition)};
      return put(bytes) && put_distance(target);
    }
    ended_ = true;
    called_ = branch.kind == Branch::call;
    if (called_ && !push_return(out_.covered)) return false;
    return put_jump(0xe9, target);
  }
  bool copy(Bytes bytes, const X86Instruction& it, bool calls) {
    unsigned char copied[16];
    if (bytes.size() > sizeof copied) return false;
    std::memcpy(copied, bytes.data(), bytes.size());
    std::size_t modrm = 0;
    if (it.of_next || calls) {
      while (modrm < bytes.size() && is_prefix(copied[modrm])) modrm++;
      modrm += copied[modrm] == 0x0f ? 2 : 1;
    }
    if (it.of_next) {
      const std::size_t at = modrm + 1;
      if (at + 4 > bytes.size() || (copied[modrm] & 0xc7) != 0x05) return false;
      const std::uint64_t next = from_ + out_.covered + bytes.size();
      const std::uint64_t target = next + static_cast<std::uint64_t>(it.displacement);
      const auto distance = static_cast<std::int64_t>(target - (here() + bytes.size()));
      if (!fits(distance)) return false;
      const auto value = static_cast<std::int32_t>(distance);
      std::memcpy(copied + at, &value, sizeof value);
    }
    if (calls) {  // the second of this opcode's instructions becomes the fourth, a jump
      if (modrm >= bytes.size() || (copied[modrm] & 0x38) != 0x10) return false;
      copied[modrm] = static_cast<unsigned char>((copied[modrm] & ~0x38U) | 0x20);
    }
    return put(Bytes(copied, bytes.size()));
  }

  const Bytes code_;
  const std::uint64_t from_, to_;
  bool ended_ = false;   // control goes elsewhere
  bool called_ = false;  // and comes back
  Moved out_;
};

// How many of these bytes the assembler has filled in between two functions: nops and traps.
unsigned filling(Bytes code) {
  unsigned at = 0;
  while (at + 1 < code.size()) {
    const Bytes rest = code.subspan(at);
    std::size_t opcode = 0;
    while (opcode + 1 < rest.size() && is_prefix(rest[opcode])) opcode++;
    const bool is_long = rest[opcode] == 0x0f && rest[opcode + 1] == 0x1f;
    const unsigned length = is_long ? decode_x86(rest, true).length : 1;
    if (length == 0 || (!is_long && rest[0] != 0x90 && rest[0] != 0xcc)) break;
    at += length;
  }
  return at;
}

}  // namespace

Moved move_instructions(Bytes code, std::uint64_t from, std::uint64_t to, unsigned least,
                        const std::function<bool(std::uint64_t)>& is_target) {
  Mover mover(code, from, to);
  while (mover.covered() < least && !mover.ended()) {
    const unsigned at = mover.covered();
    if (at > 0 && is_target(from + at)) return {};
    if (!mover.move_next()) return {};
  }
  const unsigned at = mover.covered();
  if (at < least) {  // behind an end; a call comes back there
    if (mover.called() || filling(code.subspan(at)) < least - at) return {};
    for (unsigned i = at; i < least; i++) {
      if (is_target(from + i)) return {};
    }
    mover.cover(least - at);
  }
  return mover.finish();
}

void each_target(Bytes code, std::uint64_t from, const std::function<void(std::uint64_t)>& take) {
  for (std::size_t at = 0; at < code.size(); at++) {
    const unsigned char byte = code[at];
    const bool is_short = byte == 0xeb || (byte & 0xf0) == 0x70 || (byte >= 0xe0 && byte <= 0xe3);
    if (is_short && at + 2 <= code.size()) {
      take(from + at + 2 +
           static_cast<std::uint64_t>(std::int64_t{static_cast<signed char>(code[at + 1])}));
    }
    if (at + 4 > code.size()) continue;
    // A distance of four bytes, with nothing, one, two or four bytes of an immediate behind it.
    const auto distance =
        static_cast<std::uint64_t>(std::int64_t{number_at<std::int32_t>(code, at)});
    for (const unsigned behind : {0U, 1U, 2U, 4U}) take(from + at + 4 + behind + distance);
  }
}

}  // namespace sigsweep::trap
