// Ways, and the rows of their phases.
#include "fuzz/ground.h"

#include <algorithm>

#include "stress/campaign/resolve.h"

namespace sigsweep::fuzz {
namespace {

Path path_of(const Way* way, unsigned protocol, bool as_handler, Feedback* feedback) {
  Path path{way, {}};
  for (const PhaseOfWay& phase : *way) {
    auto& row = path.rows.emplace_back();
    for (unsigned n = as_handler ? 1 : 0; n < (as_handler ? kNestings : 1); n++)
      row[n] = feedback->row(protocol, n, phase.head);
  }
  return path;
}

}  // namespace

unsigned Choice::among(const std::vector<unsigned>& chosen, unsigned number, unsigned count) {
  const auto itself = static_cast<unsigned>(wrapped(number, count));
  if (chosen.size() == count || std::ranges::find(chosen, itself) != chosen.end()) return itself;
  return chosen[wrapped(number, chosen.size())];
}

Unsound Ground::prepare(const Choice& choice, Feedback* feedback) {
  sites_ = static_cast<unsigned>(subject().sites().size());
  const std::size_t protocols = subject().protocols().size();
  operations_.resize(protocols * sites_);
  handlers_.resize(protocols * (sites_ + 1));
  if (std::string problem = ways_.take_kept(); !problem.empty()) return {problem, true, 0, 0, {}};
  for (unsigned protocol : choice.protocols) {
    for (unsigned site : choice.sites) {
      const Judgement alone = trial_engine().baseline(protocol, site, 0);
      if (alone.verdict != Verdict::ok) {
        const std::string detail = alone.detail == nullptr ? "" : alone.detail;
        return {"not ok without a signal: " + detail, false, protocol, site, alone};
      }
      const Way* way = nullptr;
      const std::string problem = ways_.of_operation(protocol, site, &way);
      if (!problem.empty()) return {"no trace: " + problem, true, protocol, site, alone};
      operations_[protocol * sites_ + site] = path_of(way, protocol, false, feedback);
    }
    for (unsigned handler : choice.handlers) {
      const Way* way = nullptr;
      const std::string problem = ways_.of_handler(protocol, handler, &way);
      if (!problem.empty()) return {"no trace of a handler: " + problem, true, protocol, 0, {}};
      handlers_[protocol * (sites_ + 1) + (handler == kNoHandler ? sites_ : handler)] =
          path_of(way, protocol, true, feedback);
    }
  }
  return {};
}

const Way* Ground::find(std::string_view protocol, std::string_view site, bool as_handler) const {
  const int p = find_protocol(subject(), protocol), s = find_site(subject(), site);
  if (p < 0 || (s < 0 && !(as_handler && site == "none")) || operations_.empty()) return nullptr;
  const auto protocol_index = static_cast<unsigned>(p);
  const Path& path = as_handler
                         ? handler(protocol_index, s < 0 ? kNoHandler : static_cast<unsigned>(s))
                         : operation(protocol_index, static_cast<unsigned>(s));
  return path.way;
}

std::optional<Grounds::Place> Ground::place(std::string_view protocol, std::string_view site,
                                            bool as_handler, Number number) const {
  const Way* way = find(protocol, site, as_handler);
  if (way == nullptr) return std::nullopt;
  const PhaseOfWay& phase = (*way)[wrapped(number.phase, way->size())];
  return place_of(phase, phase.spots[wrapped(number.nth, phase.spots.size())]);
}

std::optional<Grounds::Number> Ground::number(std::string_view protocol, std::string_view site,
                                              bool as_handler, const Place& place) const {
  const Way* way = find(protocol, site, as_handler);
  if (way == nullptr) return std::nullopt;
  const auto phase = std::ranges::find(*way, place.phase.head(), &PhaseOfWay::head);
  const std::size_t nth = place.phase.nth();
  if (phase == way->end() || nth == 0 || nth > phase->spots.size()) return std::nullopt;
  if (place_of(*phase, phase->spots[nth - 1]) != place) return std::nullopt;
  return Number{static_cast<std::uint16_t>(phase - way->begin()),
                static_cast<std::uint16_t>(nth - 1)};
}

}  // namespace sigsweep::fuzz
