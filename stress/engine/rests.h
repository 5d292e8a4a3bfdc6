// The subject's state while nothing runs: as it was before any trial, and as each operation leaves
// it if no signal comes.
#pragma once

#include <memory>
#include <string>

#include "stress/engine/snapshot.h"
#include "stress/subject/subject.h"

namespace sigsweep {

class Rests {
 public:
  explicit Rests(Subject& subject);
  Rests(const Rests&) = delete;
  Rests& operator=(const Rests&) = delete;
  ~Rests();
  // Why it got no memory. Empty: all is well.
  const std::string& problem() const { return problem_; }

  // Takes the state of a process that has just started. REQUIRES: the subject is installed.
  void note_fresh();

  // The next trial runs this operation. Async-signal-safe.
  void begin(unsigned protocol, unsigned site);
  // Compares the state that the operation left with its state without signals; at most once a
  // trial. Null, or what differs: "the subject's state". Async-signal-safe.
  const char* compare();

  // The first byte that differs from that state. REQUIRES: compare() found a difference.
  std::uint64_t first_difference() const { return of_trial_->first_difference(); }

  // The trial may have written anywhere: the fresh state must be copied back.
  void note_astray(bool astray) { astray_ = astray; }
  // Copies it back if necessary. Async-signal-safe.
  void put_back();

  // The next trial, up to end_learning(), shows the state that this operation leaves. Parent and
  // children know what either has learnt.
  void learn(unsigned protocol, unsigned site);
  void end_learning();
  bool is_learning() const { return learning_ != nullptr; }

 private:
  struct Known {
    bool learnt = false;
    StateSnapshot rest;
  };
  std::size_t bytes() const;
  Known& known(unsigned protocol, unsigned site);

  Subject& subject_;
  std::string problem_;
  StateSnapshot fresh_;
  Known* known_ = nullptr;                   // by protocol and site; in memory shared with children
  const StateSnapshot* of_trial_ = nullptr;  // of one of known_; null: not learnt
  std::unique_ptr<StateSnapshot> learning_;
  unsigned learnt_protocol_ = 0, learnt_site_ = 0;
  bool compared_ = false;
  bool astray_ = false;
};

}  // namespace sigsweep
