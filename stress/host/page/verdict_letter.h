// The letters of verdicts on the page: their signs on every strip.
#pragma once

#include <array>
#include <string_view>

#include "stress/host/verdict_sign.h"

namespace sigsweep {

// In the order of the list of verdicts.
inline constexpr std::array<char, kVerdicts> kVerdictLetters = [] {
  std::array<char, kVerdicts> letters{};
  for (unsigned i = 0; i < kVerdicts; i++) letters[i] = kVerdictSigns[i].sign;
  return letters;
}();

// '?': a verdict that this version does not know.
constexpr char letter_of(std::string_view verdict) {
  return sign_of(verdict).sign;
}

}  // namespace sigsweep
