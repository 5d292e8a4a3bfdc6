// Each site once, step by step, without any signal: in a child, because a library may do anything.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "stress/subjects/adapter/guard.h"
#include "stress/subjects/adapter/sites.h"

namespace sigsweep::adapter {

// An instruction that was executed between a call of the library and its end.
struct Executed {
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

// Appends up to a limit; the rest is lost.
template <class T, unsigned kMost>
class FixedList {
 public:
  std::span<const T> all() const { return {rows_, count_}; }
  // SIGNAL.
  void add(const T& row) {
    if (count_ < kMost) rows_[count_++] = row;
  }

 private:
  T rows_[kMost];
  unsigned count_ = 0;
};

// The instructions that were executed, each once.
class ExecutedSet {
 public:
  static constexpr unsigned kMost = 1 << 13;
  // SIGNAL. If it is full, the rest is lost.
  void add(const Executed& one);
  bool is_full() const { return count_ == kMost; }
  template <class Visit>
  void each(const Visit& visit) const {
    for (const Executed& one : rows_) {
      if (one.pc != 0) visit(one);
    }
  }

 private:
  static constexpr unsigned kRows = 2 * kMost;  // by hash
  Executed rows_[kRows];
  unsigned count_ = 0;
};

// Where the child was last: tells where a library died.
struct LastSeen {
  std::uint64_t pc = 0;
  unsigned site = 0;  // under way
  WayPart part = WayPart::caller;
  Death death;              // how the process ended; of exit(): signal 0
  bool takes_trap = false;  // somebody has set another handler for SIGTRAP
  bool began = false;       // begin() and the first coroutines are done
  bool finished = false;    // all sites came to their end
  char failure[256] = {};   // why the library failed, as it says; empty: it does not say
};

// What a site came to.
struct SiteOutcome {
  bool done = false;              // it came to its end
  const char* problem = nullptr;  // what it lost: Cast::problem
  bool sets_errno = false;        // it leaves another errno
  bool mistaken = false;          // a value or a count is wrong
};

// Plain memory that the child shares with its parent.
struct StepLog {
  static constexpr std::uint32_t kMostDepth = 4096;  // bytes; a waiting coroutine's frames above

  LastSeen last;
  SiteOutcome sites[std::size(kSites)];
  ExecutedSet executed;
  FixedList<Move, 128> moves;
  FixedList<Allocation, 8> allocations;
  std::uint64_t undeclared_sp = 0;  // a body ran there; 0: each ran on a declared stack
  // Of each stack, in bytes: how far below the harness's own frame SP was when it left. The frames
  // of a waiting coroutine are that long.
  std::uint32_t depth[kStacks] = {};
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
