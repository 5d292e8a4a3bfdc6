// Arithmetic of shares.
#include "stress/host/nightly/night_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "stress/host/options.h"

namespace sigsweep {

unsigned processors_of(Width width, unsigned processors) {
  return width == Width::all ? processors : std::max(1U, processors / 2);
}

double machine_seconds(const PartSpec& part, double seconds, unsigned processors) {
  return seconds * processors_of(part.width, processors) / processors;
}

unsigned least_budget(const std::vector<PartSpec>& parts, unsigned processors) {
  constexpr double kStep = 10;  // a budget is named in full tens
  double seconds = kReserve;
  for (const PartSpec& part : parts) seconds += machine_seconds(part, part.least, processors);
  return static_cast<unsigned>(std::ceil(seconds / kStep) * kStep);
}

double share_of(const PartSpec& part, const std::vector<const PartSpec*>& waiting, double left,
                unsigned processors) {
  double least = 0, weights = 0;
  for (const PartSpec* each : waiting) {
    least += machine_seconds(*each, each->least, processors);
    weights += machine_seconds(*each, each->weight, processors);
  }
  const double rest = std::max(0.0, left - least);
  return part.least + (weights > 0 ? rest * part.weight / weights : 0);
}

unsigned parse_budget(const std::string& text) {
  static const std::regex form("([1-9][0-9]{0,5})([smh])");
  std::smatch found;
  if (!std::regex_match(text, found, form))
    throw Failure(kUsage, fmt::format("--budget: '{}' is no time; allowed: 90s, 10m, 8h", text));
  const std::string unit = found[2];
  return static_cast<unsigned>(std::stoul(found[1])) * (unit == "h"   ? 3600U
                                                        : unit == "m" ? 60U
                                                                      : 1U);
}

std::string budget_text(unsigned seconds) {
  std::string text;
  if (seconds >= 3600) text += fmt::format("{}h", seconds / 3600);
  if (seconds / 60 % 60 != 0) text += fmt::format("{}m", seconds / 60 % 60);
  if (seconds % 60 != 0 || text.empty()) text += fmt::format("{}s", seconds % 60);
  return text;
}

}  // namespace sigsweep
