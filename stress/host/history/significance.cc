// Counts arrangements: no approximation, so that small samples are judged rightly.
#include "stress/host/history/significance.h"

#include <algorithm>
#include <cstddef>

namespace sigsweep {
namespace {

// How many arrangements of n values among m others have u pairs in the wrong order, for each u. It is
// the Gaussian binomial coefficient, the product of (1 - x^(m+i)) / (1 - x^i) for i from 1 to n.
std::vector<double> arrangements(std::size_t n, std::size_t m) {
  std::vector<double> count(n * m + 1, 0);
  count[0] = 1;
  for (std::size_t i = 1; i <= n; i++) {
    for (std::size_t u = n * m; u >= m + i; u--) count[u] -= count[u - m - i];
    for (std::size_t u = i; u <= n * m; u++) count[u] += count[u - i];
  }
  return count;
}

}  // namespace

double p_of_greater(const std::vector<double>& b, const std::vector<double>& a) {
  std::size_t not_greater = 0;
  for (const double x : a)
    not_greater +=
        static_cast<std::size_t>(std::ranges::count_if(b, [&](double y) { return !(y > x); }));
  const std::vector<double> count = arrangements(a.size(), b.size());
  double all = 0, at_most = 0;
  for (std::size_t u = 0; u < count.size(); u++) {
    all += count[u];
    if (u <= not_greater) at_most += count[u];
  }
  return at_most / all;
}

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace sigsweep
