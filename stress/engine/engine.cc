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

#include "stress/base/harmless.h"
#include "stress/base/symtab.h"
#include "stress/engine/checks.h"
#include "stress/engine/children.h"
#include "stress/engine/copies.h"
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
    for (const std::string* problem : {&recorder.problem(), &around.stack.problem(),
                                       &around.rests.problem(), &copies.problem()}) {
      if (!problem->empty()) return *problem;
    }
    return {};
  }

  Subject& subject;
  CodeRanges code;  // injectable
  Surroundings around;
  Strays strays;
  FaultHandlers faults;
  SharedTrial* shared = make_shared_trial();
  Recorder recorder;
  Trial trial{subject, code, around, strays, faults, &shared->seen, &shared->first};
  Copies copies{subject, around, &trial, &recorder};
  Children children{subject, &trial, &recorder, &copies, shared};
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
  if (problem.empty()) problem = keep_hole_empty();
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
  p.around.note_stacks(p.subject);
  p.around.rests.note_fresh();
  if (p.subject.is_fragile() && patches) p.copies.use(time_up);  // a debugger follows no child
  return problem;
}

void Engine::show(volatile std::uint64_t* number) {
  parts_->trial.conditions().shown = number;
}

std::string Engine::resume() {
  parts_->copies.dismiss();  // the parent's
  trap::after_fork();
  trap::make_pristine();  // the code is shared, and a child may have been killed in a trial
  return trap::start_watchdog(parts_->trial.conditions().serial, kTimeLimit, time_up);
}

// ---- trials

TrialResult Engine::result(const Observation& seen, const Judgement& judgement,
                           const Forked* child) const {
  static const Forked kNoChild;
  const FirstLanding& first = parts_->shared->first;
  return {seen, judgement, first.context, first.slots, child == nullptr ? kNoChild : *child};
}

TrialResult Engine::run(const Plan& plan, Contain contain) {
  Parts& p = *parts_;
  if (contain == Contain::fork) {
    const Forked& child = p.children.run(plan);
    return result(p.shared->seen, p.children.judgement(), &child);
  }
  p.children.dismiss_helpers();  // a trial has no child unless it asked for one
  if (p.copies.are_used()) {
    CopiedTrial& copied = p.copies.single();
    copied.ask(plan, 0);
    p.copies.run({&copied, 1});
    return result(copied.seen, copied.judgement, nullptr);
  }
  p.trial.run(plan);
  return result(p.shared->seen, judge(p.subject, plan, p.shared->seen), nullptr);
}

// ---- a row of trials

TrialRow::TrialRow(Engine& engine, Contain contain, Taker taken)
    : engine_(engine),
      contain_(contain),
      copies_(contain == Contain::place && engine.parts_->copies.are_used() ? &engine.parts_->copies
                                                                            : nullptr),
      taken_(std::move(taken)) {}

bool TrialRow::run(const Plan& plan, std::uint64_t number) {
  if (copies_ == nullptr) return taken_(number, engine_.run(plan, contain_));
  const std::span<CopiedTrial> row = copies_->row();
  row[waiting_++].ask(plan, number);
  return waiting_ < row.size() || finish();
}

bool TrialRow::finish() {
  bool goes_on = true;
  for (unsigned from = 0; from < waiting_ && goes_on;) {
    const auto row = copies_->row().subspan(from, waiting_ - from);
    const unsigned ran = copies_->run(row);
    for (unsigned i = 0; i < ran && goes_on; i++) {
      ended_ += row[i].copy_ended ? 1 : 0;
      goes_on = taken_(row[i].number, engine_.result(row[i].seen, row[i].judgement, nullptr));
    }
    from += ran;
  }
  waiting_ = 0;
  return goes_on;
}

Judgement Engine::baseline(unsigned protocol, unsigned site, std::uint64_t seed) {
  Parts& p = *parts_;
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, p.subject.word_bits(), plan.in);
  p.children.dismiss_runner();  // it will not know the new baseline
  if (p.copies.are_used()) {
    p.copies.single().ask(plan, 0);
    p.copies.learn();
    return p.copies.single().judgement;
  }
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
  parts_->trial.conditions().lazy = on && !parts_->subject.changes_mask();
}

bool Engine::restore_thread() {
  trap::take_out_doors();
  if (parts_->trial.conditions().patches && !trap::is_pristine()) {
    std::fprintf(stderr,
                 "runner: a breakpoint's patch was left in the code, at %#llx of its file%s\n",
                 static_cast<unsigned long long>(trap::first_patch() - symtab::bias()),
                 parts_->trial.conditions().in_child ? ", as a trial's child sees it" : "");
    _exit(3);
  }
  const bool normal = parts_->around.thread.restore();
  return parts_->copies.restore_thread() && normal;
}

void Engine::red_zone(bool on) {
  parts_->trial.conditions().red_zone = on ? trap::kRedZone : 0;
}

const trap::StackPaint& Engine::look_at_stacks() {
  if (parts_->copies.are_used()) {
    parts_->copies.look();
  } else {
    parts_->around.paint.look();
  }
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
  if (!p.copies.are_used()) {
    record(plan, WayEnd{}, &p.trial, &p.recorder);
  } else if (!p.copies.record(plan, WayEnd{})) {
    return "the process died while the operation was recorded";
  }
  std::string problem = p.recorder.read(out);
  return problem.empty() ? untold(p.subject, out->boundaries.front().sp) : problem;
}

std::string Engine::trace_handler(const Plan& plan, Trace* out) {
  Parts& p = *parts_;
  p.children.record_handler(plan);
  return p.recorder.read(out);
}

SteppedTrial Engine::step(const Plan& plan, const StepTaker& taker) {
  return parts_->children.step(plan, parts_->code, taker);
}

// ---- strays, and tests

std::string Engine::expect_strays(std::vector<unsigned> handlers) {
  if (parts_->copies.are_used()) {
    return "stray signals come to one process; the trials of this subject run in copies of it";
  }
  return parts_->strays.expect(std::move(handlers), stray_entry);
}

const StrayCount& Engine::strays() const {
  return parts_->strays.count();
}

void Engine::sabotage(void (*act)(ucontext_t* uc)) {
  parts_->children.dismiss_runner();
  parts_->copies.dismiss();  // `act` may use what its test has set up just now
  parts_->trial.conditions().sabotage = act;
}

}  // namespace sigsweep
