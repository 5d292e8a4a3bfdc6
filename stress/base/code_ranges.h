// Where code lies: half-open ranges of addresses, sorted, apart from each other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "stress/base/region.h"

namespace sigsweep {

class CodeRanges {
 public:
  struct Range {
    std::uint64_t begin, end;
    bool operator==(const Range&) const = default;
  };

  CodeRanges() = default;
  // In any order. Regions that overlap or touch become one range; empty ones are left out.
  explicit CodeRanges(std::span<const Region> regions) {
    for (const Region& r : regions) {
      const std::uint64_t begin = as_address(r.at);
      const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - begin;
      if (r.size > 0) ranges_.push_back({begin, begin + std::min<std::uint64_t>(r.size, room)});
    }
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    merge();
  }

  // Async-signal-safe. There are few ranges, so a linear search is the fastest.
  bool contains(std::uint64_t pc) const {
    for (const Range& r : ranges_) {
      if (pc - r.begin < r.end - r.begin) return true;
    }
    return false;
  }

  bool empty() const { return ranges_.empty(); }
  auto begin() const { return ranges_.begin(); }
  auto end() const { return ranges_.end(); }

 private:
  // REQUIRES: sorted by begin.
  void merge() {
    std::vector<Range> merged;
    for (const Range& r : ranges_) {
      if (merged.empty() || r.begin > merged.back().end) {
        merged.push_back(r);
      } else {
        merged.back().end = std::max(merged.back().end, r.end);
      }
    }
    ranges_ = std::move(merged);
  }

  std::vector<Range> ranges_;
};

}  // namespace sigsweep
