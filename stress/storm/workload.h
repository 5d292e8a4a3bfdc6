// The interface between a storm and the code that it puts under signals.
//
// A workload is a number of *threads*, which run *tasks* by switching between them. Each task does
// operations of several *mixes*. The storm starts the threads, sends them signals, and counts the
// arrivals. The workload runs the tasks, does a handler's work, and judges both.
//
// One storm runs in one process. Functions marked SIGNAL run in a signal handler: they are
// async-signal-safe, allocate nothing, and are not instrumented.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stress/storm/state.h"

namespace sigsweep::storm {

// A count of the workload's own. The host knows these names and ignores others.
//   calls, rejected, ran, handler_clobbered   calls that handlers made, and what became of them
//   backtraces                                that handlers took
//   legal                                     calls that operations made, and that ran
//   made, finished                            tasks
//   collections                               of garbage
struct Count {
  std::string_view name;
  std::uint64_t value;
};

// The workload's own words, on the page and in messages. Without a label its name stands there.
//   thread          one thread, with its article
//   threads, tasks  several
//   call            what is called; it stands above the table of calls
//   calls, legal    where the calls of these two counts come from
//   collections     what they are; without this label the page does not have them
//   latency         the operation whose time is taken
//   throw           what is checked of a real throw
struct Label {
  std::string_view of, text;
};

class Workload {
 public:
  // ---- what it is
  // The protocol of a storm, unless another is requested: of subject().protocols().
  virtual std::string_view protocol() const = 0;
  // The work of the tasks: at most kMaxMixes names.
  virtual std::span<const std::string_view> mixes() const = 0;
  virtual std::span<const Label> labels() const = 0;
  virtual unsigned most_tasks() const = 0;
  // Bytes of a thread's alternate stack, unless another number is requested.
  virtual std::size_t altstack() const = 0;

  // Does it do what is the harness's own for a handler, too: kNoHandler, kObserve?
  virtual bool does_own_handlers() const { return false; }
  // Why it can't be run so; empty: it can.
  virtual std::string problem(const Config& /*config*/) const { return {}; }

  // ---- a storm, as `config` says
  // Makes threads and tasks; none runs yet. Installs its own entry for the signals of all sources.
  virtual void prepare() = 0;
  // Starts thread i, and sets threads[i].handle. The storm joins it. 0, or an error number.
  virtual int start_thread(unsigned i) = 0;
  // Each task ends after the operation that it is in. A thread ends when no task is left.
  virtual void stop() = 0;
  virtual std::vector<Count> counts() const = 0;
  // The part of a phase that describes the state of the switch: "sp=caller".
  virtual std::string state_text(std::uint32_t state) const = 0;

  // ---- benchmarks
  // The names of its benchmarks.
  virtual std::vector<std::string_view> benchmarks() { return {}; }
  // ns that so many rounds of one took; negative: no benchmark has that name. REQUIRES: no storm in
  // this process.
  virtual double run_benchmark(std::string_view /*name*/, std::uint64_t /*rounds*/) { return -1; }

 protected:
  ~Workload() = default;
};

// ---- for the workload to call

// On each thread, with signals blocked. Before its first task: the thread's own timers run from
// here on. After its last task: they end, and their account is closed.
void thread_starts(Thread* thread);
void thread_leaves(Thread* thread);

// SIGNAL. The first and the last call of a handler. `entered`: ticks, at its start. Between the
// two, thread->depth is the number of handlers under way.
void signal_arrives(Thread* thread, const siginfo_t& info, const ucontext_t& uc,
                    std::uint64_t entered);
void signal_leaves(Thread* thread, std::uint64_t entered);
// SIGNAL. SIG_UNBLOCK: from here on another signal of the storm may interrupt. SIG_BLOCK: none may.
void allow_nesting(int how);

// Keeps an operation of this thread that went wrong.
void note_violation(Thread* thread, const Violation& violation);

}  // namespace sigsweep::storm
