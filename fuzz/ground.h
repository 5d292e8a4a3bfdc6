// The ground that inputs can name: operations, handlers and their boundaries, grouped by phase. All
// of it is known before the first input: the rows of the feedback must be the same in each process,
// whatever inputs it gets (feedback.h).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "fuzz/engine.h"
#include "fuzz/feedback.h"
#include "fuzz/ways.h"

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

// A way, as one protocol has it.
struct Path {
  const Way* way = nullptr;  // null: the choice has it not
  // Of each phase, by nesting: 0, in an operation, else in a handler.
  std::vector<std::array<unsigned, kNestings>> rows;
};

// An operation that goes wrong, or can't be recorded, with no signal at all.
struct Unsound {
  std::string problem;  // empty: all is sound
  bool harness = false;
  unsigned protocol = 0, site = 0;
  Judgement judgement;
};

class Ground final : public Grounds {
 public:
  // Runs every operation of the choice without a signal. Records the way of each one, and of each
  // handler, that the program does not keep. REQUIRES: the engine is attached.
  Unsound prepare(const Choice& choice, Feedback* feedback);

  const Path& operation(unsigned protocol, unsigned site) const {
    return operations_[protocol * sites_ + site];
  }
  const Path& handler(unsigned protocol, unsigned handler) const {
    return handlers_[protocol * (sites_ + 1) + (handler == kNoHandler ? sites_ : handler)];
  }
  Ways* ways() { return &ways_; }

  std::optional<Place> place(std::string_view protocol, std::string_view site, bool as_handler,
                             Number number) const override;
  std::optional<Number> number(std::string_view protocol, std::string_view site, bool as_handler,
                               const Place& place) const override;

 private:
  const Way* find(std::string_view protocol, std::string_view site, bool as_handler) const;

  unsigned sites_ = 0;
  Ways ways_{trial_engine()};
  std::vector<Path> operations_, handlers_;
};

}  // namespace sigsweep::fuzz
