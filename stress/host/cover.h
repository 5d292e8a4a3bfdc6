// Which inputs together show most, by a control file of libFuzzer's -set_cover_merge.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace sigsweep {

// An input, and the features that it shows.
struct InputFeatures {
  std::string path;
  std::set<std::string> features;
};
// FILES, FIRST, so many paths; then for each: STARTED i size, FT i feature..., COV i edge... A file
// that is cut short tells of fewer.
std::vector<InputFeatures> read_control_file(const std::string& text);

struct Cover {
  std::vector<std::string> paths;  // the one that adds most first; the smaller name of two
  std::size_t features = 0, all_features = 0;
};
// At most so many; fewer where fewer show all.
Cover cover(std::vector<InputFeatures> inputs, std::size_t most);

}  // namespace sigsweep
