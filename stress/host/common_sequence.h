// The longest sequence that two lists of texts have in common.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace sigsweep {

// length[i][j]: of the longest sequence that a from i on and b from j on have in common.
inline std::vector<std::vector<unsigned>> common_lengths(const std::vector<std::string>& a,
                                                         const std::vector<std::string>& b) {
  std::vector<std::vector<unsigned>> length(a.size() + 1, std::vector<unsigned>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i][j] =
          a[i] == b[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
    }
  }
  return length;
}

}  // namespace sigsweep
