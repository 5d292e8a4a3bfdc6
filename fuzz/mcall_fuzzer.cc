// The operations that leave by mcall and return by gogo, and the scheduler's own (gosched, park,
// ready, goexit), in the safe protocols: any verdict except the promised one is a crash.
#include <algorithm>

#include "fuzz/trial_target.h"

namespace sigsweep::fuzz {
namespace {

// With all variants, behind an @ or a _: ready_m@g0.
constexpr std::string_view kSites[] = {"mheap_alloc_m", "mheap_free_m", "freemcache_m", "gosched_m",
                                       "park_m",        "ready_m",      "goexit0"};

class Mcall final : public TrialTarget {
 public:
  const char* name() const override { return "mcall_fuzzer"; }

 protected:
  std::vector<std::string_view> default_protocols() const override { return safe_protocols(); }

  bool has_site(const Site& site) const override {
    return std::ranges::any_of(kSites, [&](auto name) { return site.name.starts_with(name); });
  }

  std::string finding(const Planned& planned, const Observation&,
                      const Judgement& judgement) const override {
    return is_violation(planned, judgement.verdict) ? "not allowed: " + told(judgement) : "";
  }
};

}  // namespace

Target& target() {
  static Mcall the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
