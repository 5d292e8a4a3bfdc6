// The kinds of mutation on arm, by the fields of the instruction's word.
#include <cstring>

#include "stress/host/mutants/mutation.h"

namespace sigsweep {
namespace {

using Changes = std::vector<std::string>;
constexpr std::uint32_t kWord = 4;

std::uint32_t word_of(const Decoded& at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at.bytes.data(), sizeof word);
  return word;
}

std::string bytes_of(std::uint32_t word) {
  std::string bytes(sizeof word, '\0');
  std::memcpy(bytes.data(), &word, sizeof word);
  return bytes;
}

std::uint32_t with_field(std::uint32_t word, unsigned shift, std::uint32_t value) {
  return (word & ~(0xfU << shift)) | value << shift;
}

Changes with_itself(const Decoded& at, const Decoder&) {
  if (!at.name.starts_with("cmp")) return {};
  const std::uint32_t word = word_of(at);
  return {bytes_of(with_field(word, 0, word >> 16 & 0xf))};
}

// The opposite, always, and either half of "not equal" beside "equal".
Changes other_condition(const Decoded& at, const Decoder&) {
  if (!at.conditional) return {};
  constexpr std::uint32_t kAlways = 14, kLowerOrSame = 9, kHigherOrSame = 2;
  const std::uint32_t word = word_of(at);
  Changes changes;
  for (const std::uint32_t condition : {word >> 28 ^ 1, kAlways, kLowerOrSame, kHigherOrSame}) {
    changes.push_back(bytes_of(with_field(word, 28, condition)));
  }
  return changes;
}

// The offset of a load or a store: twelve bits, and one that says if it is added.
Changes neighbouring_field(const Decoded& at, const Decoder&) {
  const std::uint32_t word = word_of(at);
  if ((word >> 25 & 7) != 2) return {};
  constexpr std::uint32_t kAdded = 1U << 23, kOffset = 0xfff;
  const auto size = static_cast<std::int64_t>(word & kOffset);
  const std::int64_t offset = (word & kAdded) != 0 ? size : -size;
  Changes changes;
  for (const std::int64_t now : {offset + kWord, offset - std::int64_t{kWord}}) {
    const auto magnitude = static_cast<std::uint32_t>(now < 0 ? -now : now);
    if (magnitude > kOffset) continue;
    changes.push_back(bytes_of((word & ~(kAdded | kOffset)) | (now < 0 ? 0 : kAdded) | magnitude));
  }
  return changes;
}

Changes other_constant(const Decoded& at, const Decoder&) {
  const std::uint32_t word = word_of(at);
  if (at.flow != Flow::next || (word >> 25 & 7) != 1) return {};
  const bool is_movw = (word >> 20 & 0xff) == 0x30;
  if (!is_movw && (word >> 8 & 0xf) != 0) return {};  // it is rotated
  const std::uint32_t low = word & (is_movw ? 0xfffU : 0xffU), most = is_movw ? 0xfff : 0xff;
  Changes changes;
  if (low + kWord <= most) changes.push_back(bytes_of(word + kWord));
  if (low >= kWord) changes.push_back(bytes_of(word - kWord));
  return changes;
}

Changes other_in_field(const Decoded& at, unsigned shift) {
  Changes changes;
  if (at.name.starts_with("push") || at.name.starts_with("pop")) return changes;  // a list
  for (std::uint32_t by = 1; by < 16; by++) {
    const std::uint32_t word = word_of(at);
    changes.push_back(bytes_of(with_field(word, shift, (word >> shift & 0xf) ^ by)));
  }
  return changes;
}
Changes other_first(const Decoded& at, const Decoder&) {
  return other_in_field(at, 16);
}
Changes other_second(const Decoded& at, const Decoder&) {
  return other_in_field(at, 12);
}
Changes other_third(const Decoded& at, const Decoder&) {
  return other_in_field(at, 0);
}

Changes call_as_jump(const Decoded& at, const Decoder&) {
  if (at.flow != Flow::call) return {};
  const std::uint32_t word = word_of(at);
  constexpr std::uint32_t kLinks = 1U << 24, kLinksByRegister = 1U << 5;
  return {bytes_of(word & ~(at.target ? kLinks : kLinksByRegister))};
}

constexpr MutationKind kKinds[] = {
    {"compare", kRegister, with_itself, 0},
    {"condition", kName, other_condition, 0},
    {"field", kDisplacement, neighbouring_field, 0},
    {"field", kConstant, neighbouring_field, 0},  // behind the access
    {"constant", kConstant, other_constant, 0},
    {"register", kRegister, other_first, 1},
    {"register", kRegister, other_second, 1},
    {"register", kRegister, other_third, 1},
    {"call-jump", kName, call_as_jump, 0},
};

}  // namespace

std::span<const MutationKind> arm_kinds() {
  return kKinds;
}

}  // namespace sigsweep
