// Nonces; the judgement of a plan's trial.
#include "stress/engine/plan.h"

#include "stress/base/harmless.h"

namespace sigsweep {

Judgement judge(const Subject& subject, const Plan& plan, const Observation& seen) {
  const auto sites = subject.sites();
  const Site* handlers[kMaxInjections] = {};
  for (unsigned i = 0; i < plan.injections; i++) {
    const unsigned handler = plan.injection[i].handler;
    if (calls_subject(handler)) handlers[i] = &sites[handler];
  }
  return judge(subject, subject.protocols()[plan.protocol], sites[plan.site],
               {handlers, plan.injections}, seen);
}

std::uint64_t mixed(std::uint64_t x) {  // splitmix64's finaliser
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void draw_nonces(std::uint64_t seed, unsigned level, unsigned word_bits, std::uint64_t* in) {
  const std::uint64_t drawn = mixed(seed);
  const std::uint64_t fits = word_bits >= 64 ? ~0ULL : (std::uint64_t{1} << word_bits) - 1;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    // An odd factor for each slot. The low byte tells level and slot: so all differ, and none is 0.
    const std::uint64_t nonce = (drawn * (2 * i + 3)) << 8 | (std::uint64_t{level} << 4) | (i + 1);
    in[i] = harmless_word(nonce) & fits;
  }
}

}  // namespace sigsweep
