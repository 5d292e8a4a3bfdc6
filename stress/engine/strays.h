// Signals outside any plan: they come at any time, beside those of a plan.
#pragma once

#include <signal.h>

#include <cstdint>
#include <string>
#include <vector>

#include "stress/engine/plan.h"
#include "stress/engine/slot_reader.h"

namespace sigsweep {

struct StrayCount {
  std::uint64_t seen = 0;    // all of them
  std::uint64_t landed = 0;  // of those, in injectable code of a trial
  std::uint64_t called = 0;  // of those: the handler made a call
};

// The stray signal: neither an engine nor a sanitizer uses it.
int stray_signal();

class Strays {
 public:
  // From here on they may come. `handlers`: the sites that they call in turn; `entry`: the handler
  // to install. Empty, or what is wrong.
  std::string expect(std::vector<unsigned> handlers, void (*entry)(int, siginfo_t*, void*));
  bool are_expected() const { return !handlers_.empty(); }
  const StrayCount& count() const { return count_; }

  // The rest is async-signal-safe.
  void saw_one() { count_.seen++; }
  // One has landed in a trial of this protocol. Makes the next handler's call, if the protocol
  // promises ok for it. Null, or what went wrong with that call.
  const char* land(Subject& subject, unsigned protocol, const SlotReader& slots);

 private:
  const char* call(Subject& subject, unsigned protocol, unsigned handler, const SlotReader& slots);

  std::vector<unsigned> handlers_;
  StrayCount count_;
};

}  // namespace sigsweep
