// From an input's bytes to plans, fast. It reads the byte form as stress/schedule/schedule_bytes.h
// does, with indices for names. A choice that the target does not allow becomes one that it allows.
// No boundary gets a second signal. No handler gets a second nested one: the first one's way out
// may lead past it.
#pragma once

#include <span>
#include <vector>

#include "fuzz/ground.h"
#include "stress/engine/engine.h"

namespace sigsweep::fuzz {

// One operation of an input.
struct Planned {
  Plan plan;
  // Of each injection: the place in the ground, and the row of the feedback.
  const PhaseOfWay* phase[kMaxInjections] = {};
  const Spot* spot[kMaxInjections] = {};
  unsigned row[kMaxInjections] = {};

  bool handler_calls() const;
};

class Input {
 public:
  Input(std::span<const std::uint8_t> bytes, const Choice& choice, const Ground& ground);

  std::uint64_t seed() const { return seed_; }
  // The next operation; false if there is none. Allocates nothing.
  bool next(Planned* out);

 private:
  void add(const ByteRecord& record, Planned* out) const;
  void give(const ByteRecord& record, Planned* out, bool to_operation) const;

  std::span<const std::uint8_t> bytes_;
  const Choice& choice_;
  const Ground& ground_;
  std::size_t count_, at_ = 0;
  std::size_t operations_ = 0;
  unsigned protocol_ = 0;
  std::uint64_t seed_ = 0;
};

// Operations that were run, by names; with all arguments. `judgement`: the last one's.
Schedule schedule_of(std::span<const Planned> operations, std::uint64_t seed,
                     const Judgement* judgement);

// The bytes of a schedule; finds its boundaries as a replay does. False, and why.
bool bytes_of(const Schedule& schedule, Ground* ground, std::vector<std::uint8_t>* bytes,
              std::string* why);

}  // namespace sigsweep::fuzz
