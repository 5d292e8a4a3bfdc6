// The ground that inputs can name: operations, handlers and their boundaries, grouped by phase.
// Each is traced once, before the first input.
#pragma once

#include <string>
#include <vector>

#include "fuzz/engine.h"
#include "fuzz/feedback.h"
#include "stress/campaign/traces.h"
#include "stress/schedule/schedule_bytes.h"

namespace sigsweep::fuzz {

// The choices that a target leaves to its inputs: indices, in the subject's order.
struct Choice {
  std::vector<unsigned> protocols, sites, handlers;  // of the handlers, kNoHandler is one
  std::vector<Source> sources;
  std::size_t operations = kMaxScheduleOperations;  // of an input, at most; the rest is ignored
  unsigned injections = kMaxInjections;             // of an operation, at most

  // The index for a number: itself if it may be chosen, else one that may.
  static unsigned among(const std::vector<unsigned>& chosen, unsigned number, unsigned count);
};

// The boundaries of one phase, in the order in which they come.
struct PhaseOfWay {
  std::string head;
  std::vector<const Boundary*> boundaries;
  unsigned row[kNestings] = {};  // of the feedback; 0: in an operation, else in a handler
};
using Way = std::vector<PhaseOfWay>;  // through an operation, or a handler

// An operation that goes wrong, or can't be traced, with no signal at all.
struct Unsound {
  std::string problem;  // empty: all is sound
  bool harness = false;
  unsigned protocol = 0, site = 0;
  Judgement judgement;
};

class Ground final : public Grounds {
 public:
  // Runs every operation of the choice without a signal, and traces it and every handler. REQUIRES:
  // the engine is attached.
  Unsound prepare(const Choice& choice, Feedback* feedback);

  const Way& operation(unsigned protocol, unsigned site) const {
    return operations_[protocol * sites_ + site];
  }
  const Way& handler(unsigned protocol, unsigned handler) const {
    return handlers_[protocol * (sites_ + 1) + (handler == kNoHandler ? sites_ : handler)];
  }
  Traces* traces() { return &traces_; }

  std::optional<Place> place(std::string_view protocol, std::string_view site, bool as_handler,
                             Number number) const override;
  std::optional<Number> number(std::string_view protocol, std::string_view site, bool as_handler,
                               const Place& place) const override;

 private:
  const Way* find(std::string_view protocol, std::string_view site, bool as_handler) const;

  unsigned sites_ = 0;
  Traces traces_{trial_engine()};
  std::vector<Way> operations_, handlers_;
};

}  // namespace sigsweep::fuzz
