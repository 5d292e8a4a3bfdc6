// Greedy: the next is the one that adds most.
#include "stress/host/cover.h"

#include <algorithm>
#include <sstream>

namespace sigsweep {

std::vector<InputFeatures> read_control_file(const std::string& text) {
  std::istringstream lines(text);
  std::size_t count = 0;
  std::string line;
  if (std::getline(lines, line)) std::istringstream(line) >> count;
  std::getline(lines, line);
  std::vector<InputFeatures> inputs;
  while (inputs.size() < count && std::getline(lines, line)) inputs.push_back({line, {}});
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    std::size_t at = 0;
    if (!(words >> word >> at) || word != "FT" || at >= inputs.size()) continue;
    while (words >> word) inputs[at].features.insert(word);
  }
  return inputs;
}

Cover cover(std::vector<InputFeatures> inputs, std::size_t most) {
  std::ranges::sort(inputs, {}, &InputFeatures::path);
  std::set<std::string> all, covered;
  for (const InputFeatures& one : inputs) all.insert(one.features.begin(), one.features.end());
  const auto added_by = [&covered](const InputFeatures& one) {
    return std::ranges::count_if(
        one.features, [&](const std::string& feature) { return !covered.contains(feature); });
  };
  Cover chosen;
  while (chosen.paths.size() < most && !inputs.empty()) {
    const auto best = std::ranges::max_element(inputs, {}, added_by);
    if (added_by(*best) == 0) break;
    covered.insert(best->features.begin(), best->features.end());
    chosen.paths.push_back(best->path);
    inputs.erase(best);
  }
  chosen.features = covered.size();
  chosen.all_features = all.size();
  return chosen;
}

}  // namespace sigsweep
