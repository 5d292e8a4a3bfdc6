// Every operation in the safe protocols: whatever lands in them, at any depth, any verdict except
// the promised one is a crash.
#include "fuzz/trial_target.h"

namespace sigsweep::fuzz {
namespace {

class OnM final : public TrialTarget {
 public:
  const char* name() const override { return "onm_fuzzer"; }

 protected:
  std::vector<std::string_view> default_protocols() const override { return safe_protocols(); }

  std::string finding(const Planned& planned, const Observation&,
                      const Judgement& judgement) const override {
    return is_violation(planned, judgement.verdict) ? "not allowed: " + told(judgement) : "";
  }
};

}  // namespace

Target& target() {
  static OnM the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
