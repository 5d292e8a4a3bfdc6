// The histogram's buckets: exact for small values, right to 3 % for all.
#include "stress/storm/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace sigsweep::storm {
namespace {

TEST(Histogram, NothingHasNoQuantiles) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.quantile(.5), 0U);
  EXPECT_EQ(h.max(), 0U);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram h;
  for (std::uint64_t i = 1; i <= 60; i++) h.add(i);
  EXPECT_EQ(h.quantile(.5), 30U);
  EXPECT_EQ(h.quantile(1), 60U);
}

TEST(Histogram, QuantilesAreRightToThreePercent) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 62U); value = value * 3 + 1) {
    Histogram h;
    h.add(value);
    h.add(~std::uint64_t{0});  // so that max does not help
    EXPECT_GE(h.quantile(.5), value);
    EXPECT_LE(h.quantile(.5), value + value / 32);
  }
}

TEST(Histogram, TheLargestValueHasABucket) {
  Histogram h;
  h.add(~std::uint64_t{0});
  EXPECT_EQ(h.quantile(.5), ~std::uint64_t{0});
}

TEST(Histogram, AFewLargeOnesAreInTheTail) {
  Histogram h;
  for (unsigned i = 0; i < 9990; i++) h.add(10);
  for (unsigned i = 0; i < 10; i++) h.add(1000000);
  EXPECT_EQ(h.quantile(.99), 10U);
  EXPECT_EQ(h.quantile(.999), 10U);
  EXPECT_EQ(h.quantile(.9995), 1000000U);
}

TEST(Histogram, AddsUp) {
  Histogram one, other;
  one.add(5);
  other.add(7);
  one.add_all(other);
  EXPECT_EQ(one.count(), 2U);
  EXPECT_EQ(one.max(), 7U);
}

}  // namespace
}  // namespace sigsweep::storm
