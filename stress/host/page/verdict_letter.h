// The letter of a verdict, for people: in a cell of a strip, in a matrix, on a terminal. Letters are
// there so that nothing depends on colour.
#pragma once

#include <array>
#include <string_view>

#include "stress/verdict/verdict.h"

namespace sigsweep {

inline constexpr std::array<char, kVerdicts> kVerdictLetters = [] {
  std::array<char, kVerdicts> letters{};
  const auto set = [&](Verdict verdict, char letter) {
    letters[static_cast<unsigned>(verdict)] = letter;
  };
  set(Verdict::crash, '!');
  set(Verdict::hang, 'H');
  set(Verdict::missed_reject, 'M');
  set(Verdict::false_reject, 'F');
  set(Verdict::bad_reject, 'B');
  set(Verdict::rejected, 'R');
  set(Verdict::wrong_switch, 'W');
  set(Verdict::stack_smash, 'K');
  set(Verdict::state_leak, 'S');
  set(Verdict::handler_clobbered, 'C');
  set(Verdict::arg_clobbered, 'A');
  set(Verdict::result_clobbered, 'U');
  set(Verdict::slot_leak, 'L');
  set(Verdict::lost_signal, 'N');
  set(Verdict::endless_backtrace, 'E');
  set(Verdict::broken_backtrace, 'T');
  set(Verdict::ok, '.');
  return letters;
}();

static_assert(
    [] {
      for (const char letter : kVerdictLetters)
        if (letter == 0) return false;
      return true;
    }(),
    "each verdict has a letter");

constexpr char letter_of(Verdict verdict) {
  return kVerdictLetters[static_cast<unsigned>(verdict)];
}
// '?': a verdict that this version does not know.
constexpr char letter_of(std::string_view verdict) {
  const auto known = verdict_from_name(verdict);
  return known ? letter_of(*known) : '?';
}

}  // namespace sigsweep
