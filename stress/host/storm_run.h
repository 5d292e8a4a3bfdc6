// Runs a storm: a workload on many threads, under signals that come when they like, in a process of
// its own that may die of it. That process says what it has; its counts are held against what the
// protocol promises.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "stress/host/options.h"
#include "stress/host/results.h"

namespace sigsweep {

// What a storm's program says of itself.
struct StormDescription {
  // How what a source sent compares with what arrived, overran and still waits.
  enum class Account {
    unseen,  // signals coalesce, and nobody sees how many
    near,    // they differ by kAccountsClose at most
    exact,
  };
  struct Source {
    std::string name;
    bool each_thread = false;  // each thread has its own
    bool counts_sent = false, counts_overruns = false;
    Account account = Account::unseen;
  };
  std::string protocol;  // what a storm is of, unless another is asked for
  std::vector<Source> sources;
  std::vector<std::string> mixes;             // what the tasks do
  std::map<std::string, std::string> labels;  // its words for the page and for messages

  // Its word for something, or the name itself.
  const std::string& label(const std::string& of) const;
};

// What to run. Defaults: a storm of claim 12.
struct StormPlan {
  std::string protocol;  // empty: the storm's own
  std::vector<std::string> handlers;
  unsigned ms = 4, gs = 256;  // threads and tasks
  double seconds = 10;
  std::uint64_t rate = 50000;  // signals a second of a source, for each thread where it has its own
  std::vector<std::string> sources{"all"};
  std::vector<std::string> mixes{"all"};
  bool nest = false;
  bool hold_rate = false;
  std::uint64_t altstack = 0;  // bytes; 0: what the workload takes
  std::uint64_t throws = 0;    // real ones, in children, meanwhile
  std::uint64_t seed = 1;
  // The folder for what a process leaves that dies, or whose tasks do not end (last_words.h); empty:
  // it leaves nothing.
  std::string last_words;
};

struct StormResult {
  StormDescription described;
  StormRow row;
  std::vector<Record> violations;        // those that the storm kept, in the runner's own account
  std::string death;                     // how its process died; empty: it did not
  std::uint64_t made = 0, finished = 0;  // tasks
  std::uint64_t throws = 0, bad_throws = 0;
  std::string bad_throw;           // the first: what was wrong with it, and what it printed
  std::set<std::string> observed;  // of an adapter: verdicts against which nothing was promised
  std::string finding;             // what is not as the protocol promises; empty: nothing
  std::string harness_problem;     // why this can't be believed; empty: it can
  bool stopped = false;
};

// The storm's runner that goes with a runner of the exact lane. Empty: it is not built.
std::string storm_runner(const Session& session);

// Throws Failure: kSkipped where that is not built, kHarnessFailed where it does not answer.
StormDescription describe_storm(const Session& session);

// The plan with its names spelled out. Throws Failure(kUsage) for one that the storm does not have.
StormPlan resolved(const StormDescription& described, StormPlan plan);

// Runs it. Throws Failure: as describe_storm and resolved, and kUsage for what can't be.
StormResult run_storm(const Session& session, const StormPlan& wanted,
                      const StormDescription& described);
StormResult run_storm(const Session& session, const StormPlan& plan);

}  // namespace sigsweep
