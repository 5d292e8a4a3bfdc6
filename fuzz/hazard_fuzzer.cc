// Hunts a verdict in the protocols that have hazards.
//
// Environment, beside trial_target.h's:
//   SIGSWEEP_HUNT=VERDICT,...    stops at the first operation with that verdict. Without it, at the
//                                first verdict that the protocol does not allow a single signal
//   SIGSWEEP_FIRST=FILE          appends "VERDICT EXEC" to it for the first of each verdict
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "fuzz/engine.h"
#include "fuzz/stats.h"
#include "fuzz/trial_target.h"

namespace sigsweep::fuzz {
namespace {

class Hazard final : public TrialTarget {
 public:
  const char* name() const override { return "hazard_fuzzer"; }
  bool may_be_destroyed() const override { return true; }

  void configure() override {
    TrialTarget::configure();
    if (std::getenv("SIGSWEEP_HUNT") != nullptr)
      hunted_ = chosen("SIGSWEEP_HUNT", kVerdictNames, {});
    if (const char* path = std::getenv("SIGSWEEP_FIRST")) {
      firsts_ = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
      if (firsts_ < 0) {
        std::fprintf(stderr, "SIGSWEEP_FIRST: %s: cannot be written\n", path);
        _exit(2);
      }
    }
  }

  void run(std::span<const std::uint8_t> input) override {
    TrialTarget::run(input);
    if (firsts_ >= 0) note_firsts();
  }

 protected:
  std::vector<std::string_view> default_protocols() const override {
    return {"signalok_raw", "legacy", "remember", "mcall_gsignal"};
  }

  std::string finding(const Planned& planned, const Observation&,
                      const Judgement& judgement) const override {
    if (hunted_.empty()) {
      return is_violation(planned, judgement.verdict) ? "not allowed: " + told(judgement) : "";
    }
    const bool found = std::ranges::count(hunted_, static_cast<unsigned>(judgement.verdict)) > 0;
    return found ? "the hunted verdict: " + told(judgement) : "";
  }

 private:
  void note_firsts() {
    for (const Judgement& judgement : judgements()) {
      const auto verdict = static_cast<unsigned>(judgement.verdict);
      if (std::exchange(seen_[verdict], true)) continue;
      dprintf(firsts_, "%s %llu\n", std::string(verdict_name(judgement.verdict)).c_str(),
              static_cast<unsigned long long>(stats().execs));
    }
  }

  std::vector<unsigned> hunted_;
  int firsts_ = -1;
  bool seen_[kVerdicts] = {};
};

}  // namespace

Target& target() {
  static Hazard the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
