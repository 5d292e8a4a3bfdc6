// The orders to a storm, and the counts of its threads. One process runs one storm.
//
// Every field of Thread has one writer: the thread itself, in a task, between two tasks or in a
// handler. A handler may be interrupted by another one. The adder reads at the same time: so counts
// are atomic.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stress/storm/histogram.h"
#include "stress/subject/subject.h"
#include "stress/verdict/verdict.h"

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

inline constexpr unsigned kMaxThreads = 64;
inline constexpr unsigned kMaxMixes = 8;
inline constexpr unsigned kTimers = 4;  // of a thread, in turn

struct Config {
  unsigned threads = 4, tasks = 256;
  std::uint64_t duration = 0;      // ns
  std::uint32_t sources = 0;       // bit i: Async i
  std::uint64_t period = 0;        // ns between two signals of a source; 0: no signals
  unsigned protocol = 0;           // of subject().protocols()
  std::vector<unsigned> handlers;  // of subject().sites(); where they are done, the harness's own
  std::uint32_t mixes = 0;         // bit i: mix i of the workload
  bool nest = false;               // a second signal may interrupt a handler
  bool hold_rate = false;          // timers are not slowed down if signals find no progress
  bool throw_for_real = false;     // a rejection ends the process, as it would in the field
  std::size_t altstack = 0;        // bytes
  std::uint64_t seed = 1;
  std::string last_words;  // the folder for them; empty: none are wanted
  bool has(Async source) const { return (sources >> static_cast<unsigned>(source) & 1U) != 0; }
  bool has_mix(unsigned mix) const { return (mixes >> mix & 1U) != 0; }
};
extern Config config;

// A reader of the count sees everything that was written before it was counted.
class Counter {
 public:
  void add(std::uint64_t n = 1) { __atomic_fetch_add(&value_, n, __ATOMIC_RELEASE); }
  void set(std::uint64_t n) { __atomic_store_n(&value_, n, __ATOMIC_RELAXED); }
  std::uint64_t get() const { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }

 private:
  Shared64 value_ = 0;
};

// A signal that interrupted an operation: the data for a schedule that lands it there again.
struct Hit {
  std::uint64_t pc;
  std::uint32_t state;  // of the switch; the workload's own number, which its state_text() reads
  unsigned handler;     // of subject().sites(), or kObserve or kNoHandler
  std::uint64_t args[kMaxSlots];  // the handler's
};

// An operation that went wrong.
struct Violation {
  Verdict verdict;
  SlotMask slots;
  unsigned site;
  std::uint64_t args[kMaxSlots];  // the operation's
  unsigned signals;               // they interrupted it; the hit is the last one
  bool replayable;                // the exact lane has this operation
  Hit hit;
};
inline constexpr unsigned kMaxViolations = 512;  // kept by a thread; all are counted

// The findings of a thread's signals since the last look at it.
struct Progress {
  std::uint64_t state;                       // the registers that the last one interrupted
  std::uint64_t signals, in_vain, too_fast;  // in_vain: the program had not moved
  std::uint64_t since;                       // ticks
  bool gathered;                             // the last one waited until there was a processor
};

struct alignas(64) Thread {
  // the handler's
  Counter delivered[kAsyncs], overruns[kAsyncs];
  Counter expirations, left_pending;  // of the thread's timers
  Counter left_queued;                // of sigqueue's signals
  Counter no_progress;                // signals at the same place as the one before
  Counter backoffs;
  Counter nested;
  // Handlers that did not run on the alternate stack, or were entered against the ABI.
  Counter wrong_stack;
  Counter handler_time;  // ticks within handlers, the outermost
  Histogram entry;       // ticks from sending to entry, for source kill
  Shared64 sent_at;      // ticks, by the sender
  std::uint64_t rng;
  unsigned depth;  // handlers under way on this thread
  Progress progress;
  std::uint64_t left;  // ticks: the end of the last handler
  // the timers'
  int timers[kTimers];
  std::uint64_t own_period, period;  // ns between two signals; own_period: not slowed down
  std::uint64_t first;               // ns: the time of the first of them
  // the operation's
  Counter operations[kMaxMixes];
  Histogram latency;
  Counter verdicts[kVerdicts];
  Counter violations;  // below min(violations, kMaxViolations) each is whole
  Violation violation[kMaxViolations];
  pid_t tid;
  pthread_t handle;
};
// The last one is none of the storm's own: the workload's threads that live for a moment share it.
extern Thread threads[kMaxThreads + 1];
extern std::uint64_t started;    // ns
extern Counter first_violation;  // ns after that, plus 1; 0: none yet

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
