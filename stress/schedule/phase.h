// Where in a switch a boundary is, in words that hold for every ISA and every build.
//
//   stub.switched/sp=other/live=s0+s1#3
//   ^ head: PART, then key=value fields; live: the slots that are still to be read. A subject
//     without slots has no such field
//                                    ^ the third boundary of that head, counted from 1
//
// What the words mean is the subject's affair. Not async-signal-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sigsweep {

class Phase {
 public:
  Phase() = default;  // not given
  // REQUIRES: they have the shape that parse() asks for.
  Phase(std::string head, std::uint32_t nth) : head_(std::move(head)), nth_(nth) {}
  // nullopt for a text of another shape than PART/key=value/...#N.
  static std::optional<Phase> parse(std::string_view text);

  bool empty() const { return nth_ == 0; }
  const std::string& head() const { return head_; }
  std::uint32_t nth() const { return nth_; }
  // parse(text()) is this phase. Empty if the phase is not given.
  std::string text() const;
  // FNV-1a of the text: the same on every ISA.
  std::uint64_t hash() const;

  // clang-tidy 14 takes the 0 in what the compiler generates for a pointer.
  auto operator<=>(const Phase&) const = default;  // NOLINT(modernize-use-nullptr)

 private:
  std::string head_;
  std::uint32_t nth_ = 0;
};

std::ostream& operator<<(std::ostream& out, const Phase& phase);

}  // namespace sigsweep
