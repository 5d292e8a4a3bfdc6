// Greedy: each step makes the schedule smaller in one place and stays if the id of what is shown
// does; until no step stays any more.
#include "stress/host/commands/shrink.h"

#include <fmt/format.h>

#include <functional>

#include "stress/host/commands/replay.h"
#include "stress/host/finding.h"

namespace sigsweep {
namespace {

class Shrinker {
 public:
  Shrinker(const Session& session, Schedule schedule, std::string path)
      : session_(session), best_(std::move(schedule)), path_(std::move(path)) {}

  // Throws Failure where the schedule shows nothing to keep.
  void run();
  const Schedule& best() const { return best_; }
  const std::string& id() const { return shown_.id; }
  const std::string& standing() const { return shown_.standing; }
  unsigned tries() const { return tries_; }

 private:
  struct Shown {
    std::string id;  // empty: nothing that can be kept
    std::string standing, verdict;
  };
  // Notes the verdict in `schedule`.
  Shown shown_by(Schedule* schedule);
  // Keeps a candidate that shows the same.
  bool keeps(Schedule candidate);
  void without_debugger();
  void add_phases();
  bool drop_operations();
  bool drop_injections();
  bool plain_sources();
  bool small_arguments();
  bool smaller(const std::function<std::vector<Argument>&(Schedule&)>& args);

  const Session& session_;
  Schedule best_;
  std::string path_;
  Shown shown_;
  unsigned tries_ = 0;
};

Shrinker::Shown Shrinker::shown_by(Schedule* schedule) {
  tries_++;
  schedule->expect.reset();
  const Replayed got = replay_schedule(session_, *schedule, path_);
  if (got.died) return {{}, {}, got.verdict + ", and it ends its runner"};
  if (got.account.verdict == Verdict::ok) return {{}, {}, got.verdict};
  schedule->expect = expectation(got.account);
  const ReportedTrial trial{schedule->isa, schedule->protocol,
                            false,         schedule->seed,
                            got.account,   session_.description.catalog.adapter};
  return {finding_id(trial), standing_of(session_, trial), got.verdict};
}

bool Shrinker::keeps(Schedule candidate) {
  if (shown_by(&candidate).id != shown_.id) return false;
  best_ = std::move(candidate);
  return true;
}

bool Shrinker::drop_operations() {
  bool any = false;
  for (std::size_t i = best_.operations.size(); i-- > 0 && best_.operations.size() > 1;) {
    Schedule candidate = best_;
    candidate.operations.erase(candidate.operations.begin() + static_cast<long>(i));
    any = keeps(std::move(candidate)) || any;
  }
  return any;
}

// Without injection `gone`, and without those nested in it; the numbers of the others follow.
std::vector<Injection> without(const std::vector<Injection>& all, std::size_t gone) {
  std::vector<Injection> left;
  std::vector<std::uint32_t> number(all.size() + 1, 0);  // new numbers by old ones; 0: gone
  for (std::size_t i = 0; i < all.size(); i++) {
    if (i == gone || (all[i].in && number[*all[i].in] == 0)) continue;
    left.push_back(all[i]);
    if (all[i].in) left.back().in = number[*all[i].in];
    number[i + 1] = static_cast<std::uint32_t>(left.size());
  }
  return left;
}

bool Shrinker::drop_injections() {
  bool any = false;
  for (std::size_t op = 0; op < best_.operations.size(); op++) {
    for (std::size_t i = best_.operations[op].injections.size(); i-- > 0;) {
      Schedule candidate = best_;
      candidate.operations[op].injections = without(best_.operations[op].injections, i);
      any = keeps(std::move(candidate)) || any;
      i = std::min(i, best_.operations[op].injections.size());
    }
  }
  return any;
}

bool Shrinker::plain_sources() {
  bool any = false;
  for (std::size_t op = 0; op < best_.operations.size(); op++) {
    for (std::size_t i = 0; i < best_.operations[op].injections.size(); i++) {
      Schedule candidate = best_;
      Injection& injection = candidate.operations[op].injections[i];
      if (injection.by == Source::direct) continue;
      injection.by = Source::direct;
      injection.signal = "SIGPROF";
      any = keeps(std::move(candidate)) || any;
    }
  }
  return any;
}

// Each argument the smallest number that will do; those that are not given stay nonces of the seed.
bool Shrinker::smaller(const std::function<std::vector<Argument>&(Schedule&)>& args) {
  constexpr std::uint64_t kTried = 4;
  bool any = false;
  for (std::size_t i = 0; i < args(best_).size(); i++) {
    const std::uint64_t now = args(best_)[i].value;
    for (std::uint64_t value = 0; value < std::min(kTried, now); value++) {
      Schedule candidate = best_;
      args(candidate)[i].value = value;
      if (!keeps(std::move(candidate))) continue;
      any = true;
      break;
    }
  }
  return any;
}

bool Shrinker::small_arguments() {
  bool any = false;
  for (std::size_t op = 0; op < best_.operations.size(); op++) {
    any = smaller([op](Schedule & s) -> auto& { return s.operations[op].args; }) || any;
    for (std::size_t i = 0; i < best_.operations[op].injections.size(); i++) {
      any = smaller(
                [ op, i ](Schedule & s) -> auto& { return s.operations[op].injections[i].args; }) ||
            any;
    }
  }
  return any;
}

// A runner can't stand in for a debugger; which source a signal has is not part of the finding.
void Shrinker::without_debugger() {
  for (Operation& op : best_.operations) {
    for (Injection& injection : op.injections) {
      if (injection.by == Source::external) injection.by = Source::direct;
    }
  }
}

// By their phases another build finds the boundaries. The schedule was run without `expect`, which
// may decide between boundaries of one phase.
void Shrinker::add_phases() {
  const std::optional<Expectation> expect = std::exchange(best_.expect, std::nullopt);
  best_ = resolved_here(session_, std::move(best_), path_);
  best_.expect = expect;
}

void Shrinker::run() {
  without_debugger();
  shown_ = shown_by(&best_);
  if (shown_.id.empty()) {
    throw Failure(kUsage, fmt::format("{}:1:1: its verdict is {}; a schedule with a verdict other "
                                      "than ok, whose runner lives, is expected",
                                      path_, shown_.verdict));
  }
  while (drop_operations() || drop_injections() || plain_sources() || small_arguments()) {
  }
  add_phases();
}

}  // namespace

Shrunk shrink_schedule(const Session& session, const Schedule& schedule, const std::string& path) {
  Shrinker shrinker(session, schedule, path);
  shrinker.run();
  return {shrinker.best(), shrinker.id(), shrinker.tries(), shrinker.standing()};
}

int shrink_command(const Options& options) {
  const Session session = open_session(options);
  print_provenance(session);
  const std::string folder = options.out.empty() ? "results/shrunk" : options.out;
  for (const std::string& path : options.files) {
    Schedule schedule = read_schedule(session, path);
    take_build(session, path, &schedule);
    const Shrunk shrunk = shrink_schedule(session, schedule, path);
    const std::string text = print_schedule(shrunk.schedule);
    const std::string written = write_text(folder + "/" + shrunk.id + ".sched", text);
    fmt::print("{}: {} {}, {} tries\n{}written: {}\n", path, shrunk.standing, shrunk.id,
               shrunk.tries, text, written);
  }
  return kAsExpected;
}

}  // namespace sigsweep
