// What a storm is told, and what its Ms count. One process runs one storm.
//
// Every field of MState has one writer: the M's own thread, be it in a G, on g0 or in a handler,
// which another may interrupt. Who adds up reads meanwhile: what is counted is atomic.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "stress/oracle/oracle.h"
#include "stress/storm/histogram.h"
#include "stress/subject/subject.h"

namespace sigsweep::storm {

// ---- sources.def: asynchronous sources
enum class Async : std::uint8_t {
#define SOURCE(name, ...) name,
#include "stress/storm/sources.def"
#undef SOURCE
};
inline constexpr std::string_view kAsyncNames[] = {
#define SOURCE(name, ...) #name,
#include "stress/storm/sources.def"
#undef SOURCE
};
inline constexpr unsigned kAsyncs = sizeof kAsyncNames / sizeof kAsyncNames[0];
int signal_of(Async source);

// What Gs do.
enum class Mix : std::uint8_t { alloc, sched, gc, slots };
inline constexpr std::string_view kMixNames[] = {"alloc", "sched", "gc", "slots"};
inline constexpr unsigned kMixes = sizeof kMixNames / sizeof kMixNames[0];

inline constexpr unsigned kMaxMs = 64;
inline constexpr unsigned kMaxGs = 4096;
inline constexpr unsigned kTimers = 4;  // of an M, in turn

struct Config {
  unsigned ms = 4, gs = 256;
  std::uint64_t duration = 0;      // ns
  std::uint32_t sources = 0;       // bit i: Async i
  std::uint64_t period = 0;        // ns between two signals of a source; 0: no signals
  unsigned protocol = 0;           // of subject().protocols()
  std::vector<unsigned> handlers;  // of subject().sites()
  std::uint32_t mixes = 0;         // bit i: Mix i
  bool nest = false;               // a second signal may interrupt a handler
  bool hold_rate = false;          // timers are not slowed down where signals find no progress
  bool throw_for_real = false;     // a rejection ends the process, as it does
  std::size_t altstack = 0;        // bytes
  std::uint64_t seed = 1;
  bool has(Async source) const { return (sources >> static_cast<unsigned>(source) & 1U) != 0; }
  bool has(Mix mix) const { return (mixes >> static_cast<unsigned>(mix) & 1U) != 0; }
};
extern Config config;

// Who reads a count sees what was written before it was counted.
class Counter {
 public:
  void add(std::uint64_t n = 1) { __atomic_fetch_add(&value_, n, __ATOMIC_RELEASE); }
  void set(std::uint64_t n) { __atomic_store_n(&value_, n, __ATOMIC_RELAXED); }
  std::uint64_t get() const { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }

 private:
  std::uint64_t value_ = 0;
};

// A signal that interrupted an operation: what a schedule needs to land it there again.
struct Hit {
  std::uint64_t pc, sp;
  const runtime::G* g;  // that ran
  bool g0, sp_g0;       // g is g0; SP is in g0's stack
  unsigned handler;
  std::uint64_t args[kMaxSlots];  // the handler's
};

// An operation that went wrong.
struct Violation {
  Verdict verdict;
  SlotMask slots;
  unsigned site;
  std::uint64_t args[kMaxSlots];  // the operation's
  unsigned signals;               // that interrupted it; the hit is the last
  bool replayable;                // the exact lane has this operation
  Hit hit;
};
inline constexpr unsigned kMaxViolations = 512;  // kept by an M; all are counted

// Of what an M's signals have found since the last look at it.
struct Progress {
  std::uint64_t state;                       // what the last one interrupted: its registers
  std::uint64_t signals, in_vain, too_fast;  // in_vain: the program had not moved
  std::uint64_t since;                       // ticks
  bool gathered;                             // the last one waited until there was a processor
};

struct alignas(64) MState {
  // the handler's
  Counter delivered[kAsyncs], overruns[kAsyncs];
  Counter expirations, left_pending;  // of the M's timers
  Counter left_queued;                // of sigqueue's signals
  Counter no_progress;                // signals that found the program where the last one had
  Counter backoffs;
  Counter calls;  // made from gsignal: rejected + ran (unless the process died in one)
  Counter rejected, ran, handler_clobbered, nested;
  // Handlers that did not run on gsignal's stack, or were entered against the ABI.
  Counter wrong_stack;
  Counter handler_time;   // ticks within handlers, the outermost
  Histogram entry;        // ticks from sending to entry, for source kill
  std::uint64_t sent_at;  // ticks, by the sender
  std::uint64_t rng;
  unsigned depth;      // handlers under way on this M
  void* resume[2][5];  // where a rejected call goes on, by depth
  bool calling;        // a handler's call is under way
  Progress progress;
  std::uint64_t left;  // ticks: the end of the last handler
  // the timers'
  int timers[kTimers];
  std::uint64_t own_period, period;  // ns between two signals; own_period: not slowed down
  std::uint64_t first;               // ns: the time of the first of them
  // the operation's
  Counter operations[kMixes];
  Counter legal;  // calls of stubs from curg and g0 that came back
  Histogram latency;
  unsigned op_signals;  // that landed since the operation began
  Hit hit;
  Counter verdicts[kVerdicts];
  Counter violations;  // below min(violations, kMaxViolations) each is whole
  Violation violation[kMaxViolations];
  pid_t tid;
  pthread_t thread;
};
extern MState states[kMaxMs];
extern std::uint64_t started;    // ns
extern Counter first_violation;  // ns after that, plus 1; 0: none yet

// The state of the M that runs this. CAVEAT: a G may be on another M after each scheduling point.
inline MState& here() {
  return states[runtime::getg()->m->id];
}

// ---- clocks. Async-signal-safe.
inline std::uint64_t ticks() {
  return __builtin_ia32_rdtsc();
}
std::uint64_t now();  // ns, monotonic

inline std::uint64_t random_word(std::uint64_t* state) {  // xorshift64*
  *state ^= *state >> 12U;
  *state ^= *state << 25U;
  *state ^= *state >> 27U;
  return *state * 0x2545f4914f6cdd1dU;
}

}  // namespace sigsweep::storm
