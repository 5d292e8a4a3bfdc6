// Is one sample greater than another by more than chance? The Mann-Whitney U test: it asks only for
// the order of the values, so it holds whatever their distribution is. Times have a long tail.
#pragma once

#include <vector>

namespace sigsweep {

// One-sided: the probability that a sample drawn as `a` is comes out as far above it as `b` does.
// Exact, for values that differ; equal ones count against "greater". 1 where a sample is empty.
double p_of_greater(const std::vector<double>& b, const std::vector<double>& a);

double median_of(std::vector<double> values);  // REQUIRES: not empty

}  // namespace sigsweep
