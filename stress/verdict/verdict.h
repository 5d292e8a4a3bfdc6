// What a trial may come to.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stress/verdict/verdict_list.h"

namespace sigsweep {

enum class Verdict : std::uint8_t {
#define V(id, name, rule, meaning) id,
  SIGSWEEP_VERDICTS(V)
#undef V
};
inline constexpr std::string_view kVerdictNames[] = {
#define V(id, name, rule, meaning) name,
    SIGSWEEP_VERDICTS(V)
#undef V
};
inline constexpr std::string_view kVerdictMeanings[] = {
#define V(id, name, rule, meaning) meaning,
    SIGSWEEP_VERDICTS(V)
#undef V
};
inline constexpr unsigned kVerdicts = SIGSWEEP_VERDICT_COUNT;

constexpr std::string_view verdict_name(Verdict v) {
  return kVerdictNames[static_cast<unsigned>(v)];
}
constexpr std::optional<Verdict> verdict_from_name(std::string_view name) {
  for (unsigned i = 0; i < kVerdicts; i++) {
    if (kVerdictNames[i] == name) return static_cast<Verdict>(i);
  }
  return std::nullopt;
}

}  // namespace sigsweep
