// Each site once, step by step, without any signal: in a child, because a library may do anything.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "stress/subjects/adapter/guard.h"
#include "stress/subjects/adapter/sites.h"

namespace sigsweep::adapter {

// An instruction that was executed between a call of the library and its end.
struct Place {
  std::uint64_t pc = 0;
  std::uint32_t sites = 0;  // bit i: within kSites[i]
  WayPart part = WayPart::caller;
  bool without_stack = false;  // SP was in no declared stack there
};

// SP went from one stack to another.
struct Move {
  std::uint64_t pc = 0;  // of the instruction that moved it
  unsigned site = 0;
  WayPart part = WayPart::caller;
  unsigned from = 0, to = 0;  // names of stacks; Stacks::kNone
};

// A call into the C library's heap, where nothing may allocate.
struct Allocation {
  static constexpr unsigned kSteps = 4;
  std::uint64_t before[kSteps] = {};  // the last steps, the latest first: jumps by a PLT among them
  const char* function = nullptr;
  unsigned site = 0;
  WayPart part = WayPart::caller;
};

// Plain memory that the child shares with its parent.
class StepLog {
 public:
  static constexpr unsigned kMostPlaces = 1 << 14;  // a power of two
  static constexpr unsigned kMostMoves = 128, kMostAllocations = 8;
  static constexpr std::uint32_t kMostDepth = 4096;  // bytes; a waiting coroutine's frames above

  std::span<const Move> moves() const { return {moves_, move_count_}; }
  std::span<const Allocation> allocations() const { return {allocations_, allocation_count_}; }
  template <class Visit>
  void each_place(const Visit& visit) const {
    for (const Place& place : places_) {
      if (place.pc != 0) visit(place);
    }
  }
  bool is_full() const { return place_count_ > kMostPlaces / 2; }

  // SIGNAL.
  void add(const Place& place);
  void add(const Move& move) {
    if (move_count_ < kMostMoves) moves_[move_count_++] = move;
  }
  void add(const Allocation& allocation) {
    if (allocation_count_ < kMostAllocations) allocations_[allocation_count_++] = allocation;
  }

  // Where it was last: tells where a library died.
  std::uint64_t last_pc = 0;
  unsigned site = 0;       // under way
  std::uint32_t done = 0;  // bit i: kSites[i] came to its end
  WayPart part = WayPart::caller;
  Death death;  // how the process ended; of exit(): signal 0
  bool died = false;
  bool takes_trap = false;          // somebody has set another handler for SIGTRAP
  bool began = false;               // begin() and the first coroutines are done
  bool finished = false;            // all sites came to their end
  char failure[256] = {};           // why the library failed, as it says; empty: it does not say
  std::uint64_t undeclared_sp = 0;  // a body ran there; 0: each ran on a declared stack
  const char* problems[std::size(kSites)] = {};  // what a site lost: Cast::problem
  std::uint32_t sets_errno = 0;                  // bit i: kSites[i] leaves another errno
  std::uint32_t mistaken = 0;                    // bit i: a value or a count of kSites[i] is wrong
  // Of each stack, in bytes: how far below the harness's own frame SP was when it left. The frames
  // of a waiting coroutine are that long.
  std::uint32_t depth[kStacks] = {};

 private:
  Place places_[kMostPlaces];
  unsigned place_count_ = 0;
  Move moves_[kMostMoves];
  unsigned move_count_ = 0;
  Allocation allocations_[kMostAllocations];
  unsigned allocation_count_ = 0;
};

struct Stepped {
  StepLog* log = nullptr;  // null: no memory was to be had
  std::string problem;     // the library did not come through all sites: why, one line
  int status = 0;          // of the problem: 2 the adapter is wrong, 3 the library failed
};

// Makes a child that calls begin(), creates the coroutines, and runs each site. The caller has not
// called the library yet, but for load().
Stepped step_through(const Library& library, Cast* cast, const Stacks& stacks);

}  // namespace sigsweep::adapter
