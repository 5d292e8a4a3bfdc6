#include "stress/host/history/significance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sigsweep {
namespace {

using Values = std::vector<double>;

TEST(Significance, IsThatOfTheTextbook) {
  EXPECT_DOUBLE_EQ(p_of_greater({6, 7, 8, 9, 10}, {1, 2, 3, 4, 5}), 1.0 / 252);
  EXPECT_DOUBLE_EQ(p_of_greater({3, 4}, {1, 2}), 1.0 / 6);
  EXPECT_DOUBLE_EQ(p_of_greater({2, 4}, {1, 3}), 2.0 / 6);
  EXPECT_DOUBLE_EQ(p_of_greater({1, 2}, {3, 4}), 1);
}

// All ways to choose which ranks are b's.
double counted(const Values& b, const Values& a) {
  const auto wrong = [](const Values& y, const Values& x) {
    std::size_t pairs = 0;
    for (const double p : x)
      pairs += static_cast<std::size_t>(std::ranges::count_if(y, [&](double q) { return q <= p; }));
    return pairs;
  };
  std::vector<int> is_b(a.size() + b.size(), 0);
  std::fill(is_b.end() - static_cast<std::ptrdiff_t>(b.size()), is_b.end(), 1);
  double all = 0, at_most = 0;
  do {
    Values x, y;
    for (std::size_t i = 0; i < is_b.size(); i++)
      (is_b[i] ? y : x).push_back(static_cast<double>(i));
    all += 1;
    at_most += wrong(y, x) <= wrong(b, a) ? 1 : 0;
  } while (std::next_permutation(is_b.begin(), is_b.end()));
  return at_most / all;
}

TEST(Significance, IsThatOfAllArrangementsCounted) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> draw(0, 1);
  for (std::size_t n = 1; n <= 6; n++) {
    for (std::size_t m = 1; m <= 6; m++) {
      Values a(n), b(m);
      for (double& x : a) x = draw(random);
      for (double& y : b) y = draw(random) + 0.2;
      EXPECT_NEAR(p_of_greater(b, a), counted(b, a), 1e-12) << n << " and " << m;
    }
  }
}

TEST(Significance, OfNothingIsNone) {
  EXPECT_EQ(p_of_greater({}, {1, 2}), 1);
  EXPECT_EQ(p_of_greater({1, 2}, {}), 1);
}

TEST(Significance, EqualValuesAreNotGreater) {
  EXPECT_EQ(p_of_greater({1, 1, 1, 1}, {1, 1, 1, 1}), 1);
}

TEST(Significance, OfManyValuesIsStillAProbability) {
  Values a, b;
  for (int i = 0; i < 100; i++) a.push_back(i), b.push_back(i + 200);
  const double p = p_of_greater(b, a);
  EXPECT_GT(p, 0);
  EXPECT_LT(p, 1e-50);
}

TEST(Significance, MedianIsTheMiddleOrBetweenTheTwo) {
  EXPECT_EQ(median_of({3, 1, 2}), 2);
  EXPECT_EQ(median_of({4, 1, 3, 2}), 2.5);
}

}  // namespace
}  // namespace sigsweep
