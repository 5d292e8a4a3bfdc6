// The M that uses the heap, and its Gs: one at a time, each to its end or to a throw.
#pragma once

#include "fuzz/malloc/heap_problem.h"
#include "runtime/runtime.h"

namespace sigsweep::fuzz::heap {

// Functions that run on g0 before the first G, and after the last; null: nothing.
struct Hooks {
  const runtime::FuncVal* start = nullptr;
  const runtime::FuncVal* end = nullptr;
};

class Machine {
 public:
  // Once, before all else: makes the heap and the M. throwhook ends by unwind().
  void start(void (*throwhook)(const char*));
  runtime::M* m() const { return m_; }
  // Runs fn by a G of its own: its stack holds nothing of earlier work. Returns fn's throw, or
  // nothing.
  Problem run(const runtime::FuncVal* fn, const Hooks& hooks);
  // From any stack back to the caller of run(), which has room for a report. The message must
  // outlive the process's Gs. Async-signal-safe, allocates nothing.
  void unwind(const char* message);

 private:
  runtime::M* m_ = nullptr;
  void* caller_[5] = {};  // of run(), as __builtin_setjmp keeps it
  Problem thrown_;
};

}  // namespace sigsweep::fuzz::heap
