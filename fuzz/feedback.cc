// Rows of counters. An engine tells eight ranges of a counter's value apart, and each stands for a
// verdict. So a row needs few counters, and the engine has little to look at after every input.
#include "fuzz/feedback.h"

#include <iterator>

#include "fuzz/engine.h"

namespace sigsweep::fuzz {
namespace {

// libFuzzer's and AFL++'s ranges are the same.
constexpr std::uint8_t kLevels[] = {1, 2, 3, 4, 8, 16, 32, 128};
static_assert(std::size(kLevels) == SIGSWEEP_COUNTER_LEVELS);
static_assert(SIGSWEEP_COUNTERS_PER_ROW * SIGSWEEP_COUNTER_LEVELS >= kVerdicts);

}  // namespace

unsigned Feedback::row(unsigned protocol, unsigned nesting, const std::string& head) {
  const auto next = static_cast<unsigned>(rows_.size());
  const auto [entry, fresh] = rows_.emplace(std::tuple(protocol, nesting, head), next);
  if (fresh) nestings_.push_back(nesting);
  const unsigned row = entry->second;
  if (row >= kFeedbackRows) fail_harness("harness failure: more phases than counters");
  return row;
}

void Feedback::note(unsigned row, Verdict verdict) {
  const auto v = static_cast<unsigned>(verdict);
  set_counter(row * SIGSWEEP_COUNTERS_PER_ROW + v / SIGSWEEP_COUNTER_LEVELS,
              kLevels[v % SIGSWEEP_COUNTER_LEVELS]);
  noted_[count_++] = {row, verdict};
}

}  // namespace sigsweep::fuzz
