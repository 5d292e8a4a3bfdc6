// The outermost frames, by the offsets that the assembly gives.
#include "stress/subjects/onm/outermost.h"

#include "runtime/stubs.h"
#include "stress/base/region.h"

namespace sigsweep::onm {

unsigned outermost_frames(const runtime::M* m, std::span<KnownFrame> out) {
  const auto at = [](void (*stub)(), std::uint32_t offset) {
    return as_address(reinterpret_cast<const char*>(stub)) + offset;
  };
  const auto mcall = reinterpret_cast<void (*)()>(runtime::mcall);
  constexpr std::uint64_t kPushed = 16;  // by mcall: bytes
  const std::uint64_t top = m->g0->sched.sp;
  unsigned count = 0;
  out[count++] = {.reached = UnwindGrade::entry,
                  .first_pc = at(mcall, runtime::mcall_outermost.first),
                  .last_pc = at(mcall, runtime::mcall_outermost.last),
                  .lowest_sp = top - kPushed,
                  .highest_sp = top};
  for (const runtime::G* gp = runtime::sched.allg; gp != nullptr && count < out.size();
       gp = gp->alllink) {
    const std::uint64_t empty = gp->stack.hi & ~runtime::Word{15};
    out[count++] = {.reached = UnwindGrade::entry,
                    .first_pc = at(runtime::goexit, runtime::goexit_outermost.first),
                    .last_pc = at(runtime::goexit, runtime::goexit_outermost.last),
                    .lowest_sp = empty,
                    .highest_sp = empty};
  }
  return count;
}

}  // namespace sigsweep::onm
