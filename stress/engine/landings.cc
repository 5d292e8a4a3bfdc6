// The stacks in use where a signal has landed.
#include "stress/engine/landings.h"

namespace sigsweep {

unsigned live_where_landed(const Subject& subject, const Plan& plan, const Landings& landings,
                           unsigned index, std::uint64_t red_zone, std::span<Region> out) {
  unsigned count = subject.live_regions(landings[index].sp - red_zone, out);
  for (int i = plan.injection[index].parent; i != kNoParent; i = plan.injection[i].parent) {
    Region outer[kMaxRegions];
    const std::uint64_t sp = landings[static_cast<unsigned>(i)].sp - red_zone;
    const unsigned found = subject.live_regions(sp, outer);
    for (unsigned k = 0; k < found && count < out.size(); k++) {
      if (as_address(outer[k].at) == sp) out[count++] = outer[k];
    }
  }
  return count;
}

}  // namespace sigsweep
