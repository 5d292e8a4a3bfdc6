// The extra counters: libFuzzer finds them by their section, and clears them before each input.
#include "fuzz/feedback.h"

#include "fuzz/engine.h"

namespace sigsweep::fuzz {
namespace {

constexpr unsigned kRows = 4096;
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t counters[kRows][kVerdicts];

}  // namespace

unsigned Feedback::row(unsigned protocol, std::string_view phase) {
  const auto next = static_cast<unsigned>(rows_.size());
  const std::string head(phase.substr(0, phase.rfind('#')));
  const unsigned row = rows_.emplace(std::pair(protocol, head), next).first->second;
  if (row >= kRows) stop("harness failure: more phases than extra counters");
  return row;
}

void Feedback::note(unsigned row, Verdict verdict) {
  counters[row][static_cast<unsigned>(verdict)] = 1;
}

}  // namespace sigsweep::fuzz
