// The kinds of mutation on x86, by the parts of an instruction's encoding.
#include <initializer_list>

#include "stress/host/mutants/mutation.h"

namespace sigsweep {
namespace {

using Changes = std::vector<std::string>;

unsigned byte_of(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

std::string with_byte(std::string bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

// A number of `size` bytes, changed by `by`; empty: there is no room for it.
std::string with_added(const std::string& bytes, std::size_t at, std::size_t size,
                       std::int64_t by) {
  std::uint64_t raw = 0;
  for (std::size_t i = 0; i < size; i++) raw |= std::uint64_t{byte_of(bytes, at + i)} << (8 * i);
  const unsigned unused = static_cast<unsigned>(64 - 8 * size);
  const auto old = static_cast<std::int64_t>(raw << unused) >> unused;
  const std::int64_t now = old + by;
  if (static_cast<std::int64_t>(static_cast<std::uint64_t>(now) << unused) >> unused != now)
    return {};
  std::string changed = bytes;
  for (std::size_t i = 0; i < size; i++) {
    changed[at + i] = static_cast<char>(static_cast<std::uint64_t>(now) >> (8 * i));
  }
  return changed;
}

bool is_compare(const Decoded& at) {
  return at.name.starts_with("cmp") || at.name.starts_with("test");
}

// The register operand twice: equal, whatever it holds.
Changes with_itself(const Decoded& at, const Decoder&) {
  if (!is_compare(at) || at.modrm == 0) return {};
  const unsigned modrm = byte_of(at.bytes, at.modrm), reg = (modrm >> 3) & 7;
  if (modrm >> 6 != 3) return {};  // one of them is in memory
  return {with_byte(at.bytes, at.modrm, (modrm & ~7U) | reg)};
}

constexpr unsigned kBelowOrEqual = 6, kAboveOrEqual = 3;

// The opposite, always, and either half of "not equal" beside "equal".
Changes other_condition(const Decoded& at, const Decoder&) {
  if (at.flow != Flow::jump || !at.conditional) return {};
  const bool near = byte_of(at.bytes, 0) == 0x0f;
  const std::size_t place = near ? 1 : 0;
  const unsigned opcode = byte_of(at.bytes, place);
  Changes changes = {with_byte(at.bytes, place, opcode ^ 1U)};
  if (near) {
    changes.push_back(with_byte(with_byte(at.bytes, 0, 0x90), 1, 0xe9));
  } else {
    changes.push_back(with_byte(at.bytes, 0, 0xeb));
  }
  for (const unsigned condition : {kBelowOrEqual, kAboveOrEqual}) {
    changes.push_back(with_byte(at.bytes, place, (opcode & ~15U) | condition));
  }
  return changes;
}

Changes off_by_a_word(const Decoded& at, std::size_t place, std::size_t size, unsigned word) {
  Changes changes;
  if (size == 0) return changes;
  for (const std::int64_t by : {std::int64_t{word}, -std::int64_t{word}}) {
    std::string changed = with_added(at.bytes, place, size, by);
    if (!changed.empty()) changes.push_back(std::move(changed));
  }
  return changes;
}

bool makes_address(const Decoded& at) {
  return at.name.starts_with("lea");
}

Changes neighbouring_field(const Decoded& at, const Decoder& decoder) {
  const Operand* memory = at.memory();
  if (memory == nullptr || makes_address(at)) return {};
  const unsigned word = memory->size == 0 ? decoder.word() : memory->size;
  return off_by_a_word(at, at.displacement, at.displacement_size, word);
}

Changes other_address(const Decoded& at, const Decoder& decoder) {
  if (!makes_address(at)) return {};
  return off_by_a_word(at, at.displacement, at.displacement_size, decoder.word());
}

Changes other_constant(const Decoded& at, const Decoder& decoder) {
  if (at.flow != Flow::next) return {};
  return off_by_a_word(at, at.immediate, at.immediate_size, decoder.word());
}

// Three bits at a place, each other value of them.
Changes other_three_bits(const Decoded& at, std::size_t place, unsigned shift) {
  Changes changes;
  for (unsigned by = 1; by < 8; by++) {
    changes.push_back(with_byte(at.bytes, place, byte_of(at.bytes, place) ^ (by << shift)));
  }
  return changes;
}

Changes other_reg(const Decoded& at, const Decoder&) {
  return at.modrm == 0 ? Changes() : other_three_bits(at, at.modrm, 3);
}
// The operand beside it, or the base of its address.
Changes other_rm(const Decoded& at, const Decoder&) {
  if (at.modrm == 0) return {};
  const unsigned modrm = byte_of(at.bytes, at.modrm);
  const bool has_sib = (modrm & 7) == 4 && modrm >> 6 != 3;
  return other_three_bits(at, at.modrm + (has_sib ? 1 : 0), 0);
}
// push, pop, mov of a constant: in the opcode.
Changes other_in_opcode(const Decoded& at, const Decoder&) {
  if (at.modrm != 0) return {};
  const std::size_t opcode = (byte_of(at.bytes, 0) & 0xf0U) == 0x40 && at.bytes.size() > 1 ? 1 : 0;
  return other_three_bits(at, opcode, 0);
}

Changes call_as_jump(const Decoded& at, const Decoder&) {
  if (at.flow != Flow::call) return {};
  if (at.modrm == 0) return {with_byte(at.bytes, 0, 0xe9)};
  constexpr unsigned kCallToJump = (2 | 4) << 3;
  return {with_byte(at.bytes, at.modrm, byte_of(at.bytes, at.modrm) ^ kCallToJump)};
}

// A register becomes one that is near by. Each place of one is a row.
constexpr MutationKind kKinds[] = {
    {"compare", kRegister, with_itself, 0},
    {"condition", kName, other_condition, 0},
    {"field", kDisplacement, neighbouring_field, 0},
    {"constant", kDisplacement, other_address, 0},
    {"constant", kConstant, other_constant, 0},
    {"register", kRegister, other_reg, 1},
    {"register", kRegister, other_rm, 1},
    {"register", kRegister, other_in_opcode, 1},
    {"call-jump", kName, call_as_jump, 0},
};

}  // namespace

std::span<const MutationKind> x86_kinds() {
  return kKinds;
}

}  // namespace sigsweep
