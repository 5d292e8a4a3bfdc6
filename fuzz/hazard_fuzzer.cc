// Hunts a verdict in the protocols that have hazards.
//
// Environment, beside trial_target.h's:
//   SIGSWEEP_HUNT=VERDICT,...    stops at the first operation with that verdict; without it, at the
//                                first verdict that the protocol does not allow a signal by itself
#include <algorithm>
#include <cstdlib>

#include "fuzz/engine.h"
#include "fuzz/trial_target.h"

namespace sigsweep::fuzz {
namespace {

class Hazard final : public TrialTarget {
 public:
  const char* name() const override { return "hazard_fuzzer"; }

  void configure() override {
    TrialTarget::configure();
    if (std::getenv("SIGSWEEP_HUNT") != nullptr)
      hunted_ = chosen("SIGSWEEP_HUNT", kVerdictNames, {});
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
  std::vector<unsigned> hunted_;
};

}  // namespace

Target& target() {
  static Hazard the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
