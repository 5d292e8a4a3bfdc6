// The extra counters: libFuzzer finds them by their section, and clears them before each input.
#include "fuzz/feedback.h"

#include "fuzz/engine.h"

namespace sigsweep::fuzz {
namespace {

// libFuzzer looks at every counter after every input, so they are few: it tells eight ranges of a
// counter's value apart, and each stands for a verdict.
constexpr std::uint8_t kLevels[] = {1, 2, 3, 4, 8, 16, 32, 128};
constexpr unsigned kRows = 1024;
__attribute__((section("__libfuzzer_extra_counters")))
std::uint8_t counters[kRows][(kVerdicts + 7) / 8];

}  // namespace

unsigned Feedback::row(unsigned protocol, std::string_view phase) {
  const auto next = static_cast<unsigned>(rows_.size());
  const std::string head(phase.substr(0, phase.rfind('#')));
  const unsigned row = rows_.emplace(std::pair(protocol, head), next).first->second;
  if (row >= kRows) stop("harness failure: more phases than extra counters");
  return row;
}

void Feedback::note(unsigned row, Verdict verdict) {
  const auto v = static_cast<unsigned>(verdict);
  counters[row][v / 8] = kLevels[v % 8];
}

}  // namespace sigsweep::fuzz
