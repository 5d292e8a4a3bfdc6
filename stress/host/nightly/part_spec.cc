// Names in braces, levels by share.
#include "stress/host/nightly/part_spec.h"

#include <algorithm>

namespace sigsweep {

std::string filled(const std::string& text, const WordValues& values) {
  std::string whole;
  std::size_t at = 0;
  for (std::size_t open; (open = text.find('{', at)) != text.npos;) {
    const std::size_t close = text.find('}', open);
    if (close == text.npos) break;
    const auto value = values.find(text.substr(open + 1, close - open - 1));
    const bool is_name = value != values.end();
    whole += text.substr(at, open - at) + (is_name ? value->second : "{");
    at = is_name ? close + 1 : open + 1;
  }
  return whole + text.substr(at);
}

const Level& level_for(const PartSpec& part, double share) {
  const Level* best = &part.levels.front();
  for (const Level& level : part.levels) {
    if (level.from <= share) best = &level;
  }
  return *best;
}

unsigned runs_for(const PartSpec& part, double share) {
  if (part.seconds_each <= 0) return 1;
  const double room = std::max(0.0, share - part.overhead) / part.seconds_each;
  return std::clamp(static_cast<unsigned>(std::min(room, 1e6)), part.least_runs, part.most_runs);
}

}  // namespace sigsweep
