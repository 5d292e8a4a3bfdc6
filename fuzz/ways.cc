// Traces to ways, and places back to names.
#include "fuzz/ways.h"

#include <algorithm>

#include "fuzz/kept_ways.h"
#include "stress/base/modules.h"

namespace sigsweep::fuzz {
namespace {

Way way_of(const Trace& trace) {
  Way way;
  for (const Boundary& b : trace.boundaries) {
    const std::string& head = b.phase.head();
    auto phase = std::ranges::find(way, head, &PhaseOfWay::head);
    if (phase == way.end()) phase = way.insert(way.end(), {head, {}});
    phase->spots.push_back({b.pc, b.gate, b.nth});
  }
  return way;
}

}  // namespace

std::string Ways::take_kept() {
  const std::string bytes = kept_bytes();
  if (bytes.empty()) return {};
  auto kept = ways_of_bytes(bytes, modules_of_process().program().bias);
  if (!kept) return "the ways that this program keeps are damaged: build it again";
  ways_ = std::move(*kept);
  return {};
}

template <class Take>
std::string Ways::find(WayKey key, const Take& take, const Way** out) {
  const auto known = ways_.find(key);
  if (known == ways_.end()) {
    const Trace* trace = nullptr;
    if (std::string problem = take(&trace); !problem.empty()) return problem;
    *out = &(ways_[key] = way_of(*trace));
  } else {
    *out = &known->second;
  }
  return {};
}

std::string Ways::of_operation(unsigned protocol, unsigned site, const Way** out) {
  const unsigned side = traces_.subject().protocols()[protocol].operation_side;
  return find(
      {false, side, site},
      [&](const Trace** to) { return traces_.of_operation(protocol, site, to); }, out);
}

std::string Ways::of_handler(unsigned protocol, unsigned handler, const Way** out) {
  const unsigned side = traces_.subject().protocols()[protocol].handler_side;
  return find(
      {true, side, handler},
      [&](const Trace** to) { return traces_.of_handler(protocol, handler, to); }, out);
}

Grounds::Place place_of(const PhaseOfWay& phase, const Spot& spot) {
  const auto nth = static_cast<std::uint32_t>(&spot - phase.spots.data()) + 1;
  Grounds::Place place{{"", 0, spot.nth}, Phase(phase.head, nth)};
  if (const auto named = modules_of_process().find(spot.pc)) {
    place.at.symbol = named->symbol;
    place.at.offset = named->offset;
  }
  return place;
}

}  // namespace sigsweep::fuzz
