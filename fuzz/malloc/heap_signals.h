// Signals that come at any time, while the heap is used. Their handlers call onM_signalok and keep
// the slots, as protocol signalok_saved does.
#pragma once

#include <cstdint>

#include "fuzz/malloc/heap_machine.h"
#include "runtime/runtime.h"
#include "stress/subject/subject.h"

namespace sigsweep::fuzz::heap {

// Blocks stray_signal() for the calling thread. Async-signal-safe, allocates nothing.
void block_stray();

class Signals {
 public:
  // Once: stray_signal() goes to `handler`, on the M's gsignal. It is blocked except where the
  // hooks allow it. REQUIRES: on the thread that runs the inputs.
  void start(Subject& subject, runtime::M* mp, runtime::SigHandler handler);
  // Signals reach the thread only while it is an M: from g0's start to its end. None before
  // start().
  Hooks hooks() const;
  // Makes a handler's call, of the next site at each turn; false: it went wrong. Async-signal-safe,
  // allocates nothing.
  bool handle();

 private:
  Subject* subject_ = nullptr;  // null: not started
  unsigned protocol_ = 0;
  unsigned sites_[64] = {};
  unsigned count_ = 0;
  std::uint64_t nonce_ = 0;
};

}  // namespace sigsweep::fuzz::heap
