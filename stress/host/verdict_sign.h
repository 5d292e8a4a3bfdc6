// One sign and one hue a verdict: what strips in text and in pictures show of it.
#pragma once

#include <cstdint>
#include <string_view>

#include "stress/verdict/verdict.h"

namespace sigsweep {

// One for each kind of wrong. What is light is right.
enum class Hue : std::uint8_t { light, blue, red, violet, pink, orange, brown };
inline constexpr std::string_view kHueNames[] = {"light", "blue",   "red",  "violet",
                                                 "pink",  "orange", "brown"};

struct VerdictSign {
  std::string_view verdict;
  char sign;
  Hue hue;
};

// In the order of the list of verdicts.
inline constexpr VerdictSign kVerdictSigns[] = {
    {"crash", '!', Hue::red},
    {"hang", 'H', Hue::red},
    {"missed-reject", 'M', Hue::violet},
    {"false-reject", 'F', Hue::violet},
    {"bad-reject", 'B', Hue::violet},
    {"rejected", 'R', Hue::blue},
    {"wrong-switch", 'W', Hue::violet},
    {"stack-smash", 'K', Hue::pink},
    {"state-leak", 'S', Hue::pink},
    {"handler-clobbered", 'C', Hue::orange},
    {"arg-clobbered", 'A', Hue::orange},
    {"result-clobbered", 'U', Hue::orange},
    {"slot-leak", 'L', Hue::orange},
    {"lost-signal", 'N', Hue::red},
    {"endless-backtrace", 'E', Hue::brown},
    {"broken-backtrace", 'T', Hue::brown},
    {"ok", '.', Hue::light},
};
// What is no verdict.
inline constexpr VerdictSign kNotRun = {"not run", '-', Hue::light};
inline constexpr VerdictSign kNotJudged = {"not judged", '~', Hue::light};
inline constexpr VerdictSign kUnknown = {"a verdict that this version does not know", '?',
                                         Hue::red};

constexpr bool signs_are_those_of_the_list() {
  if (std::size(kVerdictSigns) != kVerdicts) return false;
  for (unsigned i = 0; i < kVerdicts; i++) {
    if (kVerdictSigns[i].verdict != kVerdictNames[i]) return false;
    for (unsigned j = 0; j < i; j++) {
      if (kVerdictSigns[i].sign == kVerdictSigns[j].sign) return false;
    }
  }
  return true;
}
static_assert(signs_are_those_of_the_list(), "a sign for each verdict, and no sign twice");

constexpr const VerdictSign& sign_of(std::string_view verdict) {
  for (const VerdictSign& each : kVerdictSigns) {
    if (each.verdict == verdict) return each;
  }
  return kUnknown;
}

// The meaning of a sign on a strip.
constexpr const VerdictSign& meaning_of(char sign) {
  for (const VerdictSign& each : kVerdictSigns) {
    if (each.sign == sign) return each;
  }
  return sign == kNotRun.sign ? kNotRun : sign == kNotJudged.sign ? kNotJudged : kUnknown;
}

}  // namespace sigsweep
