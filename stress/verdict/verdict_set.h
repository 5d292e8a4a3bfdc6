// A set of verdicts, such as those that a trial may show. Async-signal-safe but for its text forms.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include "stress/verdict/verdict.h"

namespace sigsweep {

class VerdictSet {
 public:
  constexpr VerdictSet() = default;
  constexpr VerdictSet(std::initializer_list<Verdict> verdicts) {
    for (Verdict v : verdicts) bits_ |= bit(v);
  }
  static constexpr VerdictSet all_but(Verdict v) {
    VerdictSet set;
    set.bits_ = kAll & ~bit(v);
    return set;
  }

  static constexpr VerdictSet all() {
    VerdictSet set;
    set.bits_ = kAll;
    return set;
  }

  constexpr bool contains(Verdict v) const { return (bits_ & bit(v)) != 0; }
  constexpr VerdictSet& operator|=(const VerdictSet& other) {
    bits_ |= other.bits_;
    return *this;
  }
  bool operator==(const VerdictSet&) const = default;

  // As the wire has it: names with a space between, ok in front, or one name behind a '!', for all
  // but that one. An empty text is the empty set.
  std::string text() const {
    std::string names;
    const auto add = [&](Verdict v) {
      names += (names.empty() ? "" : " ") + std::string(verdict_name(v));
    };
    if (contains(Verdict::ok)) add(Verdict::ok);
    for (unsigned i = 0; i < kVerdicts; i++) {
      const auto v = static_cast<Verdict>(i);
      if (*this == all_but(v)) return "!" + std::string(verdict_name(v));
      if (v != Verdict::ok && contains(v)) add(v);
    }
    return names;
  }

  // None for a text with a name that is no verdict's.
  static constexpr std::optional<VerdictSet> from_text(std::string_view text) {
    if (text.starts_with('!')) {
      const auto left_out = verdict_from_name(text.substr(1));
      if (!left_out) return std::nullopt;
      return all_but(*left_out);
    }
    VerdictSet set;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      const auto verdict = verdict_from_name(text.substr(at, end - at));
      if (!verdict) return std::nullopt;
      set.bits_ |= bit(*verdict);
      at = end + 1;
    }
    return set;
  }

 private:
  static_assert(kVerdicts < 32, "a bit a verdict");
  static constexpr std::uint32_t kAll = (std::uint32_t{1} << kVerdicts) - 1;
  static constexpr std::uint32_t bit(Verdict v) {
    return std::uint32_t{1} << static_cast<unsigned>(v);
  }

  std::uint32_t bits_ = 0;
};

// By name; what is no verdict's is in none.
constexpr bool contains(const VerdictSet& set, std::string_view name) {
  const auto verdict = verdict_from_name(name);
  return verdict && set.contains(*verdict);
}

inline constexpr VerdictSet kOnlyOk{Verdict::ok};

}  // namespace sigsweep
