// Traces, and their boundaries by phase.
#include "fuzz/ground.h"

#include <algorithm>

#include "stress/campaign/resolve.h"

namespace sigsweep::fuzz {
namespace {

// Phases in the order of their first boundaries.
Way way_of(const Trace& trace, unsigned protocol, bool as_handler, Feedback* feedback) {
  Way way;
  for (const Boundary& b : trace.boundaries) {
    const std::string& head = b.phase.head();
    auto phase = std::ranges::find(way, head, &PhaseOfWay::head);
    if (phase == way.end()) {
      way.push_back({head, {}, {}});
      phase = way.end() - 1;
      for (unsigned n = as_handler ? 1 : 0; n < (as_handler ? kNestings : 1); n++) {
        phase->row[n] = feedback->row(protocol, n, head);
      }
    }
    phase->boundaries.push_back(&b);
  }
  return way;
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
  for (unsigned protocol : choice.protocols) {
    for (unsigned site : choice.sites) {
      const Judgement alone = trial_engine().baseline(protocol, site, 0);
      if (alone.verdict != Verdict::ok) {
        const std::string detail = alone.detail == nullptr ? "" : alone.detail;
        return {"not ok without a signal: " + detail, false, protocol, site, alone};
      }
      const Trace* trace = nullptr;
      const std::string problem = traces_.of_operation(protocol, site, &trace);
      if (!problem.empty()) return {"no trace: " + problem, true, protocol, site, alone};
      operations_[protocol * sites_ + site] = way_of(*trace, protocol, false, feedback);
    }
    for (unsigned handler : choice.handlers) {
      const Trace* trace = nullptr;
      const std::string problem = traces_.of_handler(protocol, handler, &trace);
      if (!problem.empty()) return {"no trace of a handler: " + problem, true, protocol, 0, {}};
      handlers_[protocol * (sites_ + 1) + (handler == kNoHandler ? sites_ : handler)] =
          way_of(*trace, protocol, true, feedback);
    }
  }
  return {};
}

const Way* Ground::find(std::string_view protocol, std::string_view site, bool as_handler) const {
  const int p = find_protocol(subject(), protocol), s = find_site(subject(), site);
  if (p < 0 || (s < 0 && !(as_handler && site == "none")) || operations_.empty()) return nullptr;
  const auto protocol_index = static_cast<unsigned>(p);
  const Way& way = as_handler
                       ? handler(protocol_index, s < 0 ? kNoHandler : static_cast<unsigned>(s))
                       : operation(protocol_index, static_cast<unsigned>(s));
  return way.empty() ? nullptr : &way;
}

std::optional<Grounds::Place> Ground::place(std::string_view protocol, std::string_view site,
                                            bool as_handler, Number number) const {
  const Way* way = find(protocol, site, as_handler);
  if (way == nullptr) return std::nullopt;
  const PhaseOfWay& phase = (*way)[wrapped(number.phase, way->size())];
  const Boundary& b = *phase.boundaries[wrapped(number.nth, phase.boundaries.size())];
  return Place{{b.symbol, b.offset, b.nth}, b.phase};
}

std::optional<Grounds::Number> Ground::number(std::string_view protocol, std::string_view site,
                                              bool as_handler, const Place& place) const {
  const Way* way = find(protocol, site, as_handler);
  if (way == nullptr) return std::nullopt;
  for (std::size_t p = 0; p < way->size(); p++) {
    const auto& boundaries = (*way)[p].boundaries;
    for (std::size_t n = 0; n < boundaries.size(); n++) {
      const Boundary& b = *boundaries[n];
      if (Place{{b.symbol, b.offset, b.nth}, b.phase} == place)
        return Number{static_cast<std::uint16_t>(p), static_cast<std::uint16_t>(n)};
    }
  }
  return std::nullopt;
}

}  // namespace sigsweep::fuzz
