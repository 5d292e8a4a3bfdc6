// The parts of the engine put together, and the takeover of the process.
#include "stress/engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "stress/base/symtab.h"
#include "stress/engine/checks.h"
#include "stress/engine/children.h"
#include "stress/engine/trial.h"
#include "stress/trap/breakpoint.h"
#include "stress/trap/sanitizer.h"
#include "stress/trap/sources.h"
#include "stress/trap/watchdog.h"
#include "stress/unwind/unwind.h"

namespace sigsweep {

struct Engine::Parts {
  explicit Parts(Subject& s) : subject(s), code(s.code()), around(s), recorder(s, code) {}

  // Empty, or what was not to be had.
  std::string problem() const {
    if (shared == nullptr) return "no memory for the observation";
    return recorder.problem().empty() ? around.stack.problem() : recorder.problem();
  }

  Subject& subject;
  CodeRanges code;  // injectable
  Surroundings around;
  Strays strays;
  FaultHandlers faults;
  SharedTrial* shared = make_shared_trial();
  Recorder recorder;
  Trial trial{subject, code, around, strays, faults, &shared->seen};
  Children children{subject, &trial, &recorder, shared};
};

namespace {

Trial* active = nullptr;  // of the one engine: handlers get no argument

void fault_entry(int sig, siginfo_t* info, void* context) {
  active->on_fault(sig, info, static_cast<ucontext_t*>(context));
}

void stray_entry(int, siginfo_t* info, void* context) {
  active->on_stray_entry(info, static_cast<ucontext_t*>(context));
}

void report_entry() {
  active->on_sanitizer_report();
}

void time_up() {
  active->leave(End::timed_out);
}

// A thread may have registered restartable sequences; glibc does so for each. Then the kernel looks
// at them on the way into every handler: a twentieth of a signal's cost. No code here uses any. If
// the kernel refuses, nothing changes.
void forgo_restartable_sequences() {
#if defined(RSEQ_SIG)
  constexpr unsigned kRegisteredBytes = 32;  // by glibc, however much of it __rseq_size says is in
                                             // use
  void* area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  syscall(SYS_rseq, area, kRegisteredBytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
#endif
}

// The data within the code: a step that is a patch would overwrite it. Empty, or what is wrong.
std::string find_constants(const CodeRanges& code, std::vector<Region>* found) {
  if (trap::kHasTrapFlag) return {};  // not needed
  std::string error;
  const auto table = symtab::Table::load("/proc/self/exe", &error);
  if (!table) return "the constants among the code: " + error;
  for (const symtab::Constants& c : table->constants()) {
    for (const CodeRanges::Range& range : code) {
      const std::uint64_t start = std::max(c.start + symtab::bias(), range.begin);
      const std::uint64_t stop = std::min(c.end + symtab::bias(), range.end);
      if (start >= stop) continue;
      found->push_back({as_pointer<const void>(start), static_cast<std::size_t>(stop - start)});
    }
  }
  return {};
}

// Has the alternate stack room for a handler? Empty, or what is wrong.
std::string check_alternate_stack(const Subject& subject) {
  constexpr std::size_t kHandlerNeeds = 4096;  // bytes, beside the kernel's frame
  const std::size_t has = subject.alternate_stack().size, needs = least_frame() + kHandlerNeeds;
  if (has >= needs) return {};
  return "the alternate stack has " + std::to_string(has) + " bytes; a handler needs " +
         std::to_string(needs) + " on this machine";
}

// Every signal that a schedule may name, and the stray one.
std::vector<int> all_signals() {
  std::vector<int> signals;
  for (const std::string_view name : kSignals) signals.push_back(*signal_number(name));
  signals.push_back(stray_signal());
  return signals;
}

std::size_t frame_pad() {
  const char* pad = std::getenv("SIGSWEEP_FRAME_PAD");
  return pad == nullptr ? 0 : std::strtoul(pad, nullptr, 10);
}

}  // namespace

std::size_t least_frame() {
#if defined(AT_MINSIGSTKSZ)
  return getauxval(AT_MINSIGSTKSZ);
#else
  return 0;
#endif
}

Engine::Engine(Subject& subject) : parts_(new Parts(subject)) {
  if (std::exchange(active, &parts_->trial) != nullptr) {
    std::fprintf(stderr, "engine: a second one in this process; allowed: one\n");
    _exit(3);
  }
}

Engine::~Engine() {
  active = nullptr;
  delete parts_;
}

Subject& Engine::subject() const {
  return parts_->subject;
}

// ---- taking over the process

std::string Engine::attach(volatile std::uint64_t* serial, bool patches) {
  Parts& p = *parts_;
  std::string problem = p.problem();
  if (problem.empty()) problem = check_alternate_stack(p.subject);
  if (!problem.empty()) return problem;
  forgo_restartable_sequences();
  Conditions& conditions = p.trial.conditions();
  conditions.serial = serial;
  conditions.patches = patches;
  conditions.least_frame = least_frame();
  conditions.frame_pad = frame_pad();
  p.subject.install(all_signals(), &p.trial);
  problem = p.faults.install(fault_entry);
  std::vector<Region> constants;
  if (problem.empty() && patches) problem = find_constants(p.code, &constants);
  if (problem.empty() && patches) problem = trap::attach(p.code, std::move(constants), &p.trial);
  if (problem.empty()) problem = trap::start_watchdog(serial, kTimeLimit, time_up);
  if (trap::kUnwindsAnywhere) unwind::prepare();
  p.around.thread = ThreadState();
  trap::on_sanitizer_report(report_entry);
  Region stacks[trap::StackPaint::kMostStacks];
  p.around.paint.attach({stacks, p.subject.stacks(stacks)});
  p.around.rests.note_fresh();
  return problem;
}

std::string Engine::resume() {
  trap::after_fork();
  trap::make_pristine();  // the code is shared, and a child may have been killed in a trial
  return trap::start_watchdog(parts_->trial.conditions().serial, kTimeLimit, time_up);
}

// ---- trials

namespace {

Judgement judge_trial(const Subject& subject, const Plan& plan, const Observation& seen) {
  const auto sites = subject.sites();
  const Site* handlers[kMaxInjections] = {};
  for (unsigned i = 0; i < plan.injections; i++) {
    const unsigned handler = plan.injection[i].handler;
    if (calls_subject(handler)) handlers[i] = &sites[handler];
  }
  return judge(subject, subject.protocols()[plan.protocol], sites[plan.site],
               {handlers, plan.injections}, seen);
}

}  // namespace

TrialResult Engine::run(const Plan& plan, Contain contain) {
  static const Forked kNoChild;
  Parts& p = *parts_;
  const Forked* child = &kNoChild;
  if (contain == Contain::fork) {
    child = &p.children.run(plan);
  } else {
    p.children.dismiss_helpers();  // a trial has no child unless it asked for one
    p.trial.run(plan);
  }
  const Observation& seen = p.trial.seen();
  const FirstLanding& first = p.trial.first_landing();
  return {seen, judge_trial(p.subject, plan, seen), first.context, first.slots, *child};
}

Judgement Engine::baseline(unsigned protocol, unsigned site, std::uint64_t seed) {
  Parts& p = *parts_;
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, p.subject.word_bits(), plan.in);
  p.children.dismiss_runner();  // it will not know the new baseline
  p.around.rests.learn(protocol, site);
  const Judgement judgement = run(plan).judgement;
  p.around.rests.end_learning();
  p.around.paint.look();
  return judgement;
}

void Engine::clear_away() {
  parts_->around.rests.put_back();
}

void Engine::lazy(bool on) {
  parts_->trial.conditions().lazy = on;
}

bool Engine::restore_thread() {
  if (parts_->trial.conditions().patches && !trap::is_pristine()) {
    std::fprintf(stderr, "runner: a breakpoint's patch was left in the code\n");
    _exit(3);
  }
  return parts_->around.thread.restore();
}

void Engine::red_zone(bool on) {
  parts_->trial.conditions().red_zone = on ? trap::kRedZone : 0;
}

const trap::StackPaint& Engine::look_at_stacks() {
  parts_->around.paint.look();
  return parts_->around.paint;
}

std::size_t Engine::signal_stack_used(const Plan& plan) {
  return parts_->children.stack_used(plan);
}

// ---- recordings

std::string Engine::trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out) {
  Parts& p = *parts_;
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, p.subject.word_bits(), plan.in);
  record(plan, WayEnd{}, &p.trial, &p.recorder);
  std::string problem = p.recorder.read(out);
  return problem.empty() ? untold(p.subject, out->boundaries.front().sp) : problem;
}

std::string Engine::trace_handler(const Plan& plan, Trace* out) {
  Parts& p = *parts_;
  p.children.record_handler(plan);
  return p.recorder.read(out);
}

// ---- strays, and tests

std::string Engine::expect_strays(std::vector<unsigned> handlers) {
  return parts_->strays.expect(std::move(handlers), stray_entry);
}

const StrayCount& Engine::strays() const {
  return parts_->strays.count();
}

void Engine::sabotage(void (*act)(ucontext_t* uc)) {
  parts_->children.dismiss_runner();
  parts_->trial.conditions().sabotage = act;
}

}  // namespace sigsweep
