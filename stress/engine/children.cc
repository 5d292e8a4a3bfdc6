// The work of children, and how their parent reads its results.
#include "stress/engine/children.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <new>

#include "stress/engine/stepper.h"
#include "stress/trap/arch.h"
#include "stress/trap/breakpoint.h"
#include "stress/trap/sources.h"
#include "stress/trap/watchdog.h"

namespace sigsweep {

SharedTrial* make_shared_trial() {
  void* memory =
      mmap(nullptr, sizeof(SharedTrial), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) SharedTrial{};
}

void record(const Plan& plan, WayEnd end, Trial* trial, Recorder* recorder) {
  trap::take_out_doors();  // the steps are those of the code itself
  recorder->begin(end, trial->conditions().red_zone);
  const auto walk = [&](Hide hide) {
    trap::limit_time(kRecordLimit);
    recorder->begin_walk(hide);
    trial->walk(plan, recorder);
    trap::limit_time(kTimeLimit);
    recorder->end_walk(trial->seen().end == End::finished);
  };
  walk(Hide::nothing);
  if (!recorder->hides_pages()) return;  // no access is to be caught
  walk(Hide::all);
  if constexpr (!trap::kFaultTellsWrite) walk(Hide::writes);
}

WayEnd end_of_handler(const Plan& plan) {
  return {.of_handler = true, .interrupted_pc = plan.injection[0].pc};
}

// ---- in the parent

namespace {

void require_child(const Forked& ended) {
  if (!ended.is_missing()) return;
  std::fprintf(stderr, "runner: a child, for a trial: %s\n", ended.output.c_str());
  _exit(3);
}

}  // namespace

const Forked& Children::run(const Plan& plan) {
  shared_->plan = plan;
  shared_->seen.begin(plan.injections);
  last_ = running_.once();
  require_child(last_);
  trust_the_outside();
  const bool right = went_right(shared_->judgement, shared_->seen);
  if (copies_->are_used() && !right) running_.dismiss();
  return last_;
}

// The child reports its own end. The report stands only if the child's death confirms it.
void Children::trust_the_outside() {
  Observation& seen = shared_->seen;
  const bool lives = last_.exit_status == kCameBack;
  if (!lives) trap::make_pristine();  // children share the code
  const bool threw = seen.end == End::thrown && last_.exit_status == 2 &&
                     last_.output.starts_with("fatal error: " + std::string(seen.message) + "\n");
  if (last_.signal == SIGKILL) {
    seen.end = End::timed_out;
  } else if (!lives && !threw) {
    seen.end = End::faulted;  // it died of a signal, or a sanitizer ended it
  }
  if (!lives) shared_->judgement = judge(subject_, shared_->plan, seen);
}

std::size_t Children::stack_used(const Plan& plan) {
  shared_->plan = plan;
  shared_->stack_used = 0;
  const Forked child = probing_.once();
  require_child(child);
  if (copies_->are_used()) probing_.dismiss();  // the trial was not judged
  if (child.exit_status == kCameBack) return shared_->stack_used;
  trap::make_pristine();
  return 0;
}

// A handler may switch to another stack. A trap on the alternate stack would then begin at its top,
// over the handler's own frames there. So while a handler is recorded, traps stay on the stack they
// find. But a handler that goes astray may leave SP where no frame can be written, and that ends
// the process. So a child records, in memory that it shares. If it dies, another child records, with
// traps on the alternate stack. They overwrite frames that the handler left there, so it may then
// run anywhere, and write anywhere: never in this process.
void Children::record_handler(const Plan& plan) {
  shared_->plan = plan;
  if (came_back(&recording_)) return;
  const bool recorded = copies_->are_used() ? copies_->record(plan, end_of_handler(plan))
                                            : came_back(&recording_astray_);
  if (!recorded) recorder_->end_walk(false);  // it has no end
}

// The worker's round is over. Did it live?
bool Children::came_back(Worker* recording) {
  const Forked round = recording->once();
  require_child(round);
  trap::make_pristine();                          // children share the code
  if (copies_->are_used()) recording->dismiss();  // the handler was not judged
  return round.exit_status == kCameBack;
}

// What it prints is no news: its trial has been told of.
SteppedTrial Children::step(const Plan& plan, const CodeRanges& code, const StepTaker& taker) {
  shared_->plan = plan;
  shared_->seen.begin(plan.injections);
  std::fflush(nullptr);  // a child that calls exit() would write the buffers once more
  const pid_t parent = getpid(), child = fork();
  if (child < 0) return {"no child", {}, {}};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kCameBack);
    work_stepped();
  }
  SteppedTrial stepped = step_child(child, code, shared_->seen, taker);
  trap::make_pristine();  // children share the code
  stepped.judgement = shared_->judgement;
  return stepped;
}

// ---- in a child

// Called by each child. The parent's watchdog sees only the parent's serial number: it must not
// take a child's trial for the parent's.
void Children::begin_child() {
  trap::take_out_doors();
  static volatile std::uint64_t own_serial = 0;
  Conditions& conditions = trial_->conditions();
  if (conditions.serial != &own_serial) trap::after_fork();
  conditions.serial = &own_serial;
}

void Children::prepare_sources(const Plan& plan) {
  for (unsigned i = 0; i < plan.injections; i++) {
    if (!trap::prepare(plan.injection[i].source).empty()) _exit(3);
  }
}

void Children::work_run() {
  begin_child();
  trial_->conditions().in_child = true;
  const Plan plan = shared_->plan;
  prepare_sources(plan);
  trial_->run(plan);
  shared_->judgement = judge(subject_, plan, shared_->seen);
}

void Children::work_stepped() {
  if (!let_parent_step()) _exit(kCameBack);
  const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nothing, STDERR_FILENO);
  trial_->conditions().stepped = true;
  work_run();
  _exit(0);
}

void Children::work_probe() {
  begin_child();
  trap::StackPaint fresh;
  fresh.attach_anew(subject_.alternate_stack());
  const Plan plan = shared_->plan;
  prepare_sources(plan);
  trial_->run(plan);
  fresh.look();
  shared_->stack_used = fresh.used(0);
}

// The child serves the next handler, too, unless this one may have left something behind.
void Children::work_record() {
  begin_child();
  trial_->conditions().traps_stay = true;
  struct sigaction sa {};
  sigaction(SIGSEGV, nullptr, &sa);
  sa.sa_flags &= ~SA_ONSTACK;
  sigaction(SIGSEGV, &sa, nullptr);
  const Plan plan = shared_->plan;
  record(plan, end_of_handler(plan), trial_, recorder_);
  if (!recorder_->finished()) _exit(kCameBack);
}

// Nothing of this process is trusted any more.
void Children::work_record_astray() {
  begin_child();
  const Plan plan = shared_->plan;
  record(plan, end_of_handler(plan), trial_, recorder_);
  _exit(kCameBack);
}

}  // namespace sigsweep
