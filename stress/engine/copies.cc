// What a copy does, and how its parent books its end.
#include "stress/engine/copies.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "stress/engine/children.h"
#include "stress/trap/breakpoint.h"
#include "stress/trap/sources.h"
#include "stress/trap/watchdog.h"

namespace sigsweep {
namespace {

// Of a trial that died in a sequence of trials.
constexpr const char* kNotAlone =
    "the process ended before this signal landed; alone this trial goes right, so one that ran "
    "before it in the same process is to blame";

constexpr unsigned kRow = 128;  // trials; their observations fit the processor's second cache

}  // namespace

// Parent and copy take turns: no two of them use it at the same time.
struct Copies::Shared {
  // Asked for.
  Task task = Task::look;
  Conditions conditions;
  CopiedTrial* trials = nullptr;
  unsigned count = 0;
  Plan way;
  WayEnd way_end;
  // Answered.
  unsigned ran = 0;      // trials that came to an end
  bool done = false;     // the copy has done all that it can
  bool failed = false;   // the harness cannot work: the copy has said why
  bool spoiled = false;  // the copy must go
  bool normal = true;    // mask and alternate stack were, after each lazy trial
  trap::StackPaint paint;

  CopiedTrial single;
  CopiedTrial row[kRow];
};

bool went_right(const Judgement& judgement, const Observation& seen) {
  constexpr VerdictSet kHarmless = {Verdict::ok, Verdict::rejected, Verdict::broken_backtrace};
  const bool whole = seen.end == End::finished && seen.entered == seen.exited &&
                     seen.landed + seen.masked + seen.unreached() == seen.requested;
  return kHarmless.contains(judgement.verdict) && whole && seen.misplaced == nullptr &&
         seen.leaked == nullptr && !seen.smashed;
}

Copies::Copies(Subject& subject, Surroundings& around, Trial* trial, Recorder* recorder)
    : subject_(subject), around_(around), trial_(trial), recorder_(recorder) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    problem_ = "memory for trials in copies: " + std::string(strerror(errno));
    return;
  }
  shared_ = new (memory) Shared{};
  copy_.share_processor();
}

Copies::~Copies() {
  if (shared_ != nullptr) munmap(shared_, sizeof(Shared));
}

std::span<CopiedTrial> Copies::row() {
  return shared_->row;
}

CopiedTrial& Copies::single() {
  return shared_->single;
}

// ---- in the parent

// False: the copy died before it was done. The code is shared, and the page with the serial number
// may be: both are put right.
bool Copies::ask(Task task) {
  Shared& s = *shared_;
  s.task = task;
  s.conditions = trial_->conditions();
  s.ran = 0;
  s.done = s.failed = s.spoiled = false;
  end_ = copy_.once();
  if (end_.is_missing()) give_up(end_.output + ": " + strerror(errno));
  if (s.failed) _exit(3);
  if (!s.done) {
    *s.conditions.serial = 0;
    trap::make_pristine();
    return false;
  }
  around_.paint = s.paint;
  looked_ = task != Task::trials || s.spoiled;
  normal_ = normal_ && s.normal;
  if (s.spoiled || !s.normal) copy_.dismiss();
  return true;
}

// Once more if the copy was not fresh enough for the first. A copy that dies behind the last was
// asked for nothing that is missing.
unsigned Copies::run(Task task, std::span<CopiedTrial> trials) {
  Shared& s = *shared_;
  s.trials = trials.data();
  s.count = static_cast<unsigned>(trials.size());
  do {
    const bool is_fresh = !copy_.lives();
    if (ask(task) || s.ran == s.count) continue;
    const unsigned before = s.ran;
    CopiedTrial& last = trials[before];
    const bool struck = last.began && last.seen.hits > 0;
    book_death(&last);
    if (!struck && (!is_fresh || before > 0)) try_alone(&last);
    s.ran = before + 1;
  } while (s.ran == 0);
  return s.ran;
}

// The copy died before the signal of this trial landed, and had run others: one of these may be to
// blame. Once more, in a fresh copy: what it shows there is its own. If it goes right there, the death
// stays on it, in words that say so.
void Copies::try_alone(CopiedTrial* trial) {
  Shared& s = *shared_;
  const Verdict verdict = trial->judgement.verdict;
  trial->ask(Plan(trial->plan), trial->number);
  s.trials = trial;
  s.count = 1;
  if (!ask(Task::trials)) {
    book_death(trial);
  } else if (went_right(trial->judgement, trial->seen)) {
    trial->judgement = {verdict, 0, kNotAlone};
  }
  trial->copy_ended = true;
}

unsigned Copies::run(std::span<CopiedTrial> trials) {
  return run(Task::trials, trials);
}

void Copies::learn() {
  run(Task::learn, {&shared_->single, 1});
}

// It has taken its trial's end with it. It was the signal that it died of, or what followed: so no
// signal that was let in stayed away.
void Copies::book_death(CopiedTrial* trial) {
  Observation& seen = trial->seen;
  if (!trial->began) seen.begin(trial->plan.injections);
  trial->copy_ended = true;
  const bool hung = end_.blocked || end_.signal == trap::watchdog_signal();
  seen.end = hung ? End::timed_out : End::faulted;
  seen.fault_signal = end_.signal;
  seen.hits = std::max(seen.hits, std::min(seen.requested, 1U));
  seen.landed = seen.let_in();
  trial->judgement = judge(subject_, trial->plan, seen);
  if (seen.end == End::faulted && seen.misplaced == nullptr) {
    trial->judgement.detail =
        end_.signal != 0 ? "the process died of a signal" : "the process ended";
  }
}

bool Copies::record(const Plan& plan, WayEnd end) {
  shared_->way = plan;
  shared_->way_end = end;
  return ask(Task::record);
}

void Copies::look() {
  if (!looked_ && copy_.lives()) ask(Task::look);
}

bool Copies::restore_thread() {
  return std::exchange(normal_, true);
}

// ---- in a copy

void Copies::give_up(const std::string& why) const {
  shared_->failed = true;
  std::fprintf(stderr, "runner: a copy of this process, for the next trial: %s\n", why.c_str());
  _exit(3);
}

// Its parent's watchdog does not live here; and the parent, which waits, uses no processor time that
// its own could measure.
void Copies::begin_copy() {
  if (std::exchange(begun_, true)) return;
  trap::after_fork();
  const std::string problem =
      trap::start_watchdog(shared_->conditions.serial, kTimeLimit, expired_);
  if (!problem.empty()) give_up(problem);
}

void Copies::work() {
  Shared& s = *shared_;
  begin_copy();
  trial_->conditions() = s.conditions;
  if (s.task == Task::record) {
    walk_the_way();
  } else if (s.task != Task::look) {
    run_trials();
  }
  if (s.task != Task::trials || s.spoiled) around_.paint.look();
  s.paint = around_.paint;
  s.normal = !s.conditions.lazy || around_.thread.restore();
  s.done = true;
}

void Copies::run_trials() {
  Shared& s = *shared_;
  while (s.ran < s.count && !s.spoiled) {
    CopiedTrial& trial = s.trials[s.ran];
    const bool wants_fresh = wants_fresh_copy(trial.plan);
    s.spoiled = wants_fresh && in_use_;
    if (s.spoiled) return;
    in_use_ = true;
    const bool right = run_trial(&trial);
    s.spoiled = trial.copy_ended = !right || wants_fresh;
    s.ran++;
  }
}

bool Copies::run_trial(CopiedTrial* trial) {
  const Plan& plan = trial->plan;
  const bool learns = shared_->task == Task::learn;
  if (shared_->conditions.shown != nullptr) *shared_->conditions.shown = trial->number;
  prepare_sources(plan);
  trial->began = true;
  trial_->observe_in(&trial->seen);
  if (learns) around_.rests.learn(plan.protocol, plan.site);
  trial_->run(plan);
  if (learns) around_.rests.end_learning();
  trial->judgement = judge(subject_, plan, trial->seen);
  return went_right(trial->judgement, trial->seen);
}

void Copies::walk_the_way() {
  Shared& s = *shared_;
  in_use_ = true;
  prepare_sources(s.way);
  sigsweep::record(s.way, s.way_end, trial_, recorder_);
  const Observation& seen = trial_->seen();
  s.spoiled = !recorder_->finished() || wants_fresh_copy(s.way) ||
              !went_right(judge(subject_, s.way, seen), seen);
}

// The parent has prepared each source that it asks for: a child has to do so again.
void Copies::prepare_sources(const Plan& plan) {
  for (unsigned i = 0; i < plan.injections; i++) {
    const Source source = plan.injection[i].source;
    const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(source);
    if ((prepared_ & bit) != 0) continue;
    if (const std::string problem = trap::prepare(source); !problem.empty()) give_up(problem);
    prepared_ |= bit;
  }
}

bool Copies::wants_fresh_copy(const Plan& plan) const {
  return std::any_of(plan.injection, plan.injection + plan.injections, [&](const auto& injection) {
    return calls_subject(injection.handler) && subject_.wants_fresh_copy(injection.handler);
  });
}

}  // namespace sigsweep
