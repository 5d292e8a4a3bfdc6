// A histogram whose bucket grows with the value: 32 buckets for each power of two, so that a
// quantile is right to 3 % over all of 64 bits (the log-linear layout of HdrHistogram). Adding is
// async-signal-safe; one writer.
#pragma once

#include <bit>
#include <cstdint>

namespace sigsweep::storm {

// A count that others read meanwhile: on every ISA it lies where that is one access.
using Shared64 __attribute__((aligned(8))) = std::uint64_t;

class Histogram {
 public:
  void add(std::uint64_t value) {
    Shared64& count = counts_[index(value)];
    __atomic_store_n(&count, count + 1, __ATOMIC_RELAXED);
    if (value > max_) __atomic_store_n(&max_, value, __ATOMIC_RELAXED);
  }
  // Safe while `other` is being added to: the result is a state that it had.
  void add_all(const Histogram& other) {
    for (unsigned i = 0; i < kBuckets; i++) {
      counts_[i] += __atomic_load_n(&other.counts_[i], __ATOMIC_RELAXED);
    }
    const std::uint64_t max = __atomic_load_n(&other.max_, __ATOMIC_RELAXED);
    if (max > max_) max_ = max;
  }
  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : counts_) sum += n;
    return sum;
  }
  // The largest value of the bucket that holds the value of that rank; 0 if there are none. 0 <
  // part <= 1.
  std::uint64_t quantile(double part) const {
    const double rank = part * static_cast<double>(count());
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < kBuckets; i++) {
      sum += counts_[i];
      if (sum != 0 && static_cast<double>(sum) >= rank) return last(i) < max_ ? last(i) : max_;
    }
    return max_;
  }
  std::uint64_t max() const { return max_; }

 private:
  static constexpr unsigned kBits = 5;  // 32 buckets a power of two
  static constexpr unsigned kBuckets = (64 - kBits + 1) << kBits;

  static unsigned index(std::uint64_t value) {
    const unsigned width = static_cast<unsigned>(std::bit_width(value));
    if (width <= kBits) return static_cast<unsigned>(value);
    const unsigned shift = width - kBits - 1;
    return static_cast<unsigned>((shift << kBits) + (value >> shift));
  }
  // The largest value of bucket i.
  static std::uint64_t last(unsigned i) {
    if (i < (2U << kBits)) return i;
    const unsigned shift = (i >> kBits) - 1;
    const std::uint64_t head = (i & ((1U << kBits) - 1)) + (1U << kBits);
    return (head << shift) + ((std::uint64_t{1} << shift) - 1);
  }

  Shared64 counts_[kBuckets] = {};
  Shared64 max_ = 0;
};

}  // namespace sigsweep::storm
