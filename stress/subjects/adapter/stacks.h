// The stacks of an adapter's process, by name. Lookups are async-signal-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "stress/base/region.h"

namespace sigsweep::adapter {

// The harness's names first; then the library's own, as it declares them.
enum StackName : unsigned {
  kHost,  // resume() is called here
  kCo0,
  kCo1,
  kCo2,
  kHandler1,  // of the coroutine that a handler resumes, by level
  kHandler2,
  kHandler3,
  kHandler4,
  kSignal,  // the alternate one
  kLibrary,
  kStacks = kLibrary + 6
};
inline constexpr std::string_view kStackNames[kStacks] = {
    "host",   "co0",      "co1",      "co2",      "handler1", "handler2", "handler3", "handler4",
    "signal", "library0", "library1", "library2", "library3", "library4", "library5"};

struct NamedStack {
  std::uint64_t lo = 0, hi = 0;

  bool exists() const { return hi != 0; }
  // SP at hi is an empty stack.
  bool contains(std::uint64_t sp) const { return sp > lo && sp <= hi; }
  Region region() const { return {as_pointer<const void>(lo), static_cast<std::size_t>(hi - lo)}; }
};

class Stacks {
 public:
  static constexpr unsigned kNone = ~0U;

  // Maps a stack of so many bytes between two guard pages. False: no memory.
  bool map(unsigned name, std::size_t size);
  // A stack that the library made.
  void declare(unsigned name, const void* lowest, std::size_t size);
  // The next free name for a stack of the library's own; the same again for the same stack. kNone:
  // there are too many.
  unsigned name_for_library(const void* lowest);

  const NamedStack& operator[](unsigned name) const { return stacks_[name]; }
  NamedStack& operator[](unsigned name) { return stacks_[name]; }
  // The stack that SP lies in; kNone: it is in none. Of stacks that share memory, `preferred` first.
  unsigned find(std::uint64_t sp, unsigned preferred = kNone) const {
    if (preferred < kStacks && stacks_[preferred].contains(sp)) return preferred;
    for (unsigned i = 0; i < kStacks; i++) {
      if (stacks_[i].contains(sp)) return i;
    }
    return kNone;
  }

 private:
  NamedStack stacks_[kStacks];
};

}  // namespace sigsweep::adapter
