// A copy of memory, to be compared with that memory later. Async-signal-safe.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <span>

#include "stress/base/raw_memory.h"
#include "stress/base/region.h"

namespace sigsweep {

inline constexpr unsigned kMaxRegions = 16;

// At most kMaxRegions regions of kBytes together.
template <std::size_t kBytes>
class Snapshot {
 public:
  // If the subject has more state than there is room, the process ends: status 3.
  void take(const Region* regions, unsigned count) {
    count_ = 0;
    std::size_t used = 0;
    for (unsigned i = 0; i < count && count_ < kMaxRegions; i++) {
      if (regions[i].size > kBytes - used) _exit(3);
      const std::size_t size = regions[i].size;
      regions_[count_++] = Region{regions[i].at, size};
      raw_copy(bytes_ + used, regions[i].at, size);
      used += size;
    }
  }
  void put_back() const {
    std::size_t used = 0;
    for (unsigned i = 0; i < count_; i++) {
      raw_copy(const_cast<void*>(regions_[i].at), bytes_ + used, regions_[i].size);
      used += regions_[i].size;
    }
  }
  std::span<const Region> regions() const { return {regions_, count_}; }
  bool differs() const {
    std::size_t used = 0;
    for (unsigned i = 0; i < count_; i++) {
      if (raw_differs(bytes_ + used, regions_[i].at, regions_[i].size)) return true;
      used += regions_[i].size;
    }
    return false;
  }
  // The address of the first byte that differs; 0: none does. `from`: what lies below it in its
  // region comes last, such as a red zone below SP.
  std::uint64_t first_difference(std::uint64_t from = 0) const {
    std::size_t used = 0;
    std::uint64_t below = 0;
    for (unsigned i = 0; i < count_; i++) {
      const auto at = as_address(regions_[i].at);
      for (std::size_t k = 0; k < regions_[i].size; k++) {
        if (raw_load<unsigned char>(regions_[i].at, k) == bytes_[used + k]) continue;
        if (from - at >= regions_[i].size || at + k >= from) return at + k;
        if (below == 0) below = at + k;
      }
      used += regions_[i].size;
    }
    return below;
  }

 private:
  Region regions_[kMaxRegions] = {};
  unsigned count_ = 0;
  alignas(8) unsigned char bytes_[kBytes] = {};
};

using StateSnapshot = Snapshot<4096>;
// Stacks in use: among them a signal's, with the frames of nested ones and the machine's vectors.
using StackSnapshot = Snapshot<64 * 1024>;

}  // namespace sigsweep
