// A thread of an adapter's storm: its stacks, its coroutines, and what its handlers and operations
// note. One writer each: the thread itself, in an operation or in a handler.
//
// Coroutines never leave the thread that made them. So a thread's stage is the same on all stacks
// that it runs on.
#pragma once

#include <vector>

#include "stress/storm/state.h"
#include "stress/subjects/adapter/adapter.h"

namespace sigsweep::storm::coroutines {

struct alignas(64) Stage {
  adapter::Adapter& subject;                 // for the life of the process
  Thread* thread = nullptr;                  // the storm's
  std::vector<adapter::Group*> groups = {};  // its tasks, for the life of the process
  std::uint64_t rng = 1;                     // the operations'
  // the handlers'
  Counter calls = {}, rejected = {}, ran = {}, backtraces = {};
  void* after_crash[5] = {};  // where a backtrace that crashes goes on
  bool unwinding = false;
  // the operations'
  Counter legal = {}, finished = {};
  bool operating = false;                      // else a handler only counts its signal
  unsigned op_signals = 0, other_signals = 0;  // in the operation; behind it, or before the next
  Hit hit{};
  // The first in the order of verdicts that a handler found since the last operation's end.
  Verdict found = Verdict::ok;
};

// The calling thread's. Async-signal-safe.
extern thread_local Stage* stage_here;

}  // namespace sigsweep::storm::coroutines
