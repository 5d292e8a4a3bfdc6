// The trial engine. Built without instrumentation: most of it runs in signal handlers, on stacks
// whose frames a sanitizer may hold for poisoned.
#include "stress/engine/trial.h"

#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "stress/base/code_ranges.h"
#include "stress/base/mask.h"
#include "stress/base/raw_memory.h"
#include "stress/base/symtab.h"
#include "stress/trap/arch.h"
#include "stress/trap/breakpoint.h"
#include "stress/trap/hwbreak.h"
#include "stress/trap/sanitizer.h"
#include "stress/trap/sources.h"
#include "stress/trap/watchdog.h"

namespace sigsweep {
namespace {

using trap::Containment;
using trap::Probe;

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr std::size_t kMaxSteps = 1 << 13;
constexpr int kVisible = PROT_READ | PROT_WRITE;
constexpr std::uint64_t kKernelSigset = sizeof(std::uint64_t);  // bytes of the kernel's signal mask
constexpr const char* kNoStack = "SP was in none of the stacks";
constexpr unsigned kTimeLimit = 100;     // ms of CPU time for one trial
constexpr unsigned kRecordLimit = 2000;  // and for a recording, which steps
constexpr const char* kFramePointer = "frame pointer";
static_assert(trap::kKept + 1 + trap::kControls <= kMaxPreserved);
constexpr int kErrno = 4242;  // what errno holds while an operation runs
constexpr int kNone = -1;
constexpr unsigned kMaxRegions = 16;
// Breakpoints of a recording, behind those of the injections.
constexpr unsigned kEntryBreak = kMaxInjections;  // where it starts
// From here on: where calls out of the code come back.
constexpr unsigned kReturnBreak = kMaxInjections + 1;
static_assert(kReturnBreak + 4 < trap::kMaxBreaks);

// A copy of some regions, to be compared with what they hold later.
template <std::size_t kBytes>
class Snapshot {
 public:
  void take(const Region* regions, unsigned count) {
    count_ = 0;
    std::size_t used = 0;
    for (unsigned i = 0; i < count && count_ < kMaxRegions; i++) {
      // A subject with more state than there is room.
      if (regions[i].size > kBytes - used) _exit(3);
      const std::size_t size = regions[i].size;
      regions_[count_++] = Region{regions[i].at, size};
      trap::raw_copy(bytes_ + used, regions[i].at, size);
      used += size;
    }
  }
  void put_back() const {
    std::size_t used = 0;
    for (unsigned i = 0; i < count_; i++) {
      trap::raw_copy(const_cast<void*>(regions_[i].at), bytes_ + used, regions_[i].size);
      used += regions_[i].size;
    }
  }
  std::span<const Region> regions() const { return {regions_, count_}; }
  bool differs() const {
    std::size_t used = 0;
    for (unsigned i = 0; i < count_; i++) {
      if (trap::raw_differs(bytes_ + used, regions_[i].at, regions_[i].size)) return true;
      used += regions_[i].size;
    }
    return false;
  }

 private:
  Region regions_[kMaxRegions] = {};
  unsigned count_ = 0;
  alignas(8) unsigned char bytes_[kBytes] = {};
};
using StateSnapshot = Snapshot<4096>;
// Stacks in use: among them a signal's, with the frames of nested ones and the machine's vectors.
using StackSnapshot = Snapshot<64 * 1024>;

// What was there when a signal landed, to be compared with what its handler leaves. The stacks, the
// red zone among them, before the signal's entry: that may write there, too.
struct Landing {
  std::uint64_t sp = 0;           // of what was interrupted
  const void* running = nullptr;  // whose code that is
  StackSnapshot live;
  StateSnapshot state;
  std::uint64_t slots[kMaxSlots] = {};
};

class EngineImpl final : public Engine, public Harness, public trap::TrapClient {
 public:
  std::string attach(volatile std::uint64_t* serial, bool patches) override;
  const Observation& run(const Plan& plan) override;
  std::string trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out) override;
  std::string trace_handler(const Plan& plan, Trace* out) override;
  Judgement baseline(unsigned protocol, unsigned site, std::uint64_t seed) override;
  const Observation& run_forked(const Plan& plan) override;
  const Forked& last_child() const override { return child_; }
  Judgement judge_last() const override;
  std::string resume() override;
  void settle_last() override;
  std::string expect_strays(std::vector<unsigned> handlers) override;
  const StrayCount& strays() const override { return strays_; }
  void lazy(bool on) override { lazy_ = on; }
  void red_zone(bool on) override { red_zone_ = on ? trap::kRedZone : 0; }
  const trap::StackPaint& look_at_stacks() override {
    paint_.look();
    return paint_;
  }
  std::size_t signal_stack_used(const Plan& plan) override;
  bool settled() override;
  const ucontext_t& landed_at() const override { return landed_context_; }
  const std::uint64_t* slots_landed() const override { return slots_at_landing_; }
  void sabotage(void (*act)(ucontext_t* uc)) override {
    worker_.dismiss();
    sabotage_ = act;
  }

  // Harness, TrapClient
  void operation(void (*fn)(void*), void* arg) override;
  void on_signal(int sig, ucontext_t* uc) override;
  void on_throw(const char* message) override;
  void on_break(unsigned index, ucontext_t* uc) override;
  bool on_step(ucontext_t* uc) override;

  void operation_over();
  void on_fault(int sig, siginfo_t* info, ucontext_t* uc);
  void on_report();
  void on_stray_entry(siginfo_t* info, ucontext_t* uc);
  [[noreturn]] void leave(End end);

 private:
  enum class Mode : std::uint8_t { idle, trial, tracing };

  std::uint64_t slot_value(unsigned i) const;
  std::string install_handlers();
  void place_traps(bool in_handler);
  void check_entry(std::uint64_t frame, std::uint64_t flags);
  void check_place(unsigned index);
  unsigned live_regions(unsigned index, std::span<Region> out) const;
  void check_frame(std::span<const Region> in_use);
  void check_stacks(unsigned index);
  void note_undelivered(const ucontext_t* uc);
  void begin(const Plan& plan);
  void finish();
  void unpoison_stacks();
  void arm_all();
  void arm(unsigned index);
  void check_registers();
  void check_rest();
  void check_mask_and_stack();
  void check_slots_at_throw();
  bool has_struck(unsigned index) const;
  void settle_arrivals();
  bool is_over(int injection, const ucontext_t* uc) const;
  void reached(unsigned index, ucontext_t* uc);
  void enter_level(unsigned index);
  void leave_level(unsigned index);
  void send(unsigned index, ucontext_t* uc);
  void take_from_outside(ucontext_t* uc);
  void call_handler(unsigned index);
  void on_stray();
  const char* call_of_stray(unsigned handler);
  void note_state_before(const ucontext_t* uc);
  void observe_end();
  void run_in_worker();
  void trust_the_outside();
  bool take_step(ucontext_t* uc);
  void record_step(const ucontext_t* uc, std::uint64_t pc);
  bool step_over_call(const ucontext_t* uc) const;
  void walk(const Plan& plan, int protection);
  void record(const Plan& plan);
  std::string read_record(Trace* out) const;
  void record_in_worker();
  void probe_stack();
  void record_where_it_is();
  void protect_traced(int protection);
  void hide_traced(bool hidden);
  bool record_access(siginfo_t* info, ucontext_t* uc);
  void hand_back(int sig, siginfo_t* info, ucontext_t* uc);
  static void run_site(void* self);

  Subject* subject_ = nullptr;
  // What the subject says of itself and never changes.
  unsigned word_bits_ = 0, slot_count_ = 0;
  const void* slot_cells_[kMaxSlots] = {};
  Plan plan_;                            // of the trial under way
  const Protocol* protocol_ = nullptr;   // likewise
  bool trap_is_signal_ = false;          // of some injection
  bool only_traps_are_signals_ = false;  // of all
  struct Shared;
  Shared* shared_ = nullptr;  // in memory that children share
  Observation* seen_ = nullptr;
  CodeRanges code_;  // injectable
  Mode mode_ = Mode::idle;
  volatile std::uint64_t* serial_ = nullptr;
  std::uint64_t trials_ = 0;
  Containment containment_{};
  Region trial_stack_{};
  bool left_ = false;  // the trial under way has been abandoned
  Probe probe_{};
  bool started_ = false;       // the operation was entered
  bool ended_ = false;         // it came back
  bool checked_rest_ = false;  // the state at rest was compared
  // Injections whose signal was sent and whose handler has not begun its work; the last comes
  // first, for it interrupts the way of the others.
  unsigned arriving_[kMaxInjections] = {};
  unsigned arriving_count_ = 0;
  std::uint32_t reached_ = 0;  // bit i: the boundary of injection i
  int calling_ = kNone;        // the injection whose handler's own call is under way
  bool lazy_ = false;
  std::uint64_t red_zone_ = trap::kRedZone;  // of what is interrupted, in bytes
  trap::StackPaint paint_;
  std::size_t frame_pad_ = 0;  // bytes that each handler takes more, for tests
  // A landing showed a mask or an alternate stack that were not normal.
  bool changed_before_ = false;
  bool patches_ = true;    // else a debugger owns the traps
  bool in_child_ = false;  // throws and faults are real
  Forked child_;
  Worker worker_{[this] { run_in_worker(); }, kTimeLimit};
  Worker stack_prober_{[this] { probe_stack(); }, kRecordLimit};
  Worker recorder_{[this] { record_in_worker(); }, kRecordLimit};
  void (*sabotage_)(ucontext_t* uc) = nullptr;
  std::vector<unsigned> stray_handlers_;  // empty: none is expected
  StrayCount strays_;
  // The state after an operation with nothing injected, by protocol and site.
  std::vector<std::unique_ptr<StateSnapshot>> rests_;
  const StateSnapshot* rest_ = nullptr;    // of the trial under way; null: not known
  StateSnapshot* to_be_filled_ = nullptr;  // by the trial under way
  StateSnapshot first_;                    // the subject's state before any trial
  bool astray_ = false;  // the last trial may have written anywhere: reset() alone is not enough
  Landing landings_[kMaxInjections];
  ucontext_t landed_context_{};
  std::uint64_t slots_at_landing_[kMaxSlots] = {};
  std::uint64_t normal_mask_ = 0;
  stack_t normal_stack_{};
  struct Record;
  Record* record_ = nullptr;         // the last, in memory that children share
  std::size_t steps_walked_ = 0;     // in the walk under way
  std::uint64_t last_pc_ = 0;        // of injectable code, while it is stepped through
  bool recording_handler_ = false;   // not the operation
  bool record_where_it_is_ = false;  // traps take the stack that they find, not the alternate one
  Region pages_[4] = {};             // that hold slots and cells
  unsigned page_count_ = 0;
  bool hidden_ = false;               // they are inaccessible ...
  int hidden_as_ = kVisible;          // ... in this way; kVisible: the walk under way hides nothing
  struct sigaction before_[65] = {};  // what handled the faults before us
};

EngineImpl engine;

void fault_entry(int sig, siginfo_t* info, void* context) {
  engine.on_fault(sig, info, static_cast<ucontext_t*>(context));
}

void operation_over() {
  engine.operation_over();
}

void stray_entry(int, siginfo_t* info, void* context) {
  engine.on_stray_entry(info, static_cast<ucontext_t*>(context));
}

void report_entry() {
  engine.on_report();
}

void time_up() {
  engine.leave(End::timed_out);
}

std::uint64_t mix(std::uint64_t x) {  // splitmix64's finaliser
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// ---- what happens in a trial, in the order of time

void EngineImpl::begin(const Plan& plan) {
  plan_.protocol = plan.protocol;
  plan_.site = plan.site;
  plan_.injections = plan.injections;
  std::copy(plan.injection, plan.injection + plan.injections, plan_.injection);
  protocol_ = &subject_->protocols()[plan.protocol];
  const auto is_the_trap = [](const PlannedInjection& i) { return trap::is_the_trap(i.source); };
  trap_is_signal_ = std::any_of(plan.injection, plan.injection + plan.injections, is_the_trap);
  only_traps_are_signals_ =
      std::all_of(plan.injection, plan.injection + plan.injections, is_the_trap);
  seen_->begin(plan.injections);
  std::copy(std::begin(plan.in), std::end(plan.in), std::begin(seen_->op.in));
  seen_->op.inner = &seen_->op_inner;
  started_ = ended_ = checked_rest_ = false;
  place_traps(false);
  arriving_count_ = 0;
  reached_ = 0;
  left_ = false;
  calling_ = kNone;
  rest_ = rests_[plan.protocol * subject_->sites().size() + plan.site].get();
  settle_last();
  subject_->reset(plan.protocol);
  subject_->scrub(0);
  trials_++;
  *serial_ = trials_;
}

// Where a trap is the signal itself, it must land where the protocol's signals do. One that only
// passes by must leave no frame on the alternate stack while a handler's are there, nor on the
// interrupted stack while the operation runs.
void EngineImpl::place_traps(bool in_handler) {
  const bool own = protocol_->own_stack, trial = mode_ == Mode::trial;
  trap::want_traps({.own_handed_on = (own && trial && trap_is_signal_) || record_where_it_is_,
                    .own_passing = (in_handler && !own) || record_where_it_is_,
                    .masking = !(trial && only_traps_are_signals_ && stray_handlers_.empty()),
                    .paint = trial ? &paint_ : nullptr,
                    .red_zone = red_zone_});
}

void EngineImpl::run_site(void* self) {
  auto* e = static_cast<EngineImpl*>(self);
  e->subject_->run(e->plan_.protocol, e->plan_.site, &e->seen_->op);
}

// Where a debugger stops to arm its own breakpoints: passes count from here.
extern "C" __attribute__((noinline)) void operation_starts() {
  asm volatile("");
}
// And where it may look again for what only the operation's own passes count for.
extern "C" __attribute__((noinline)) void handler_ends() {
  asm volatile("");
}

void EngineImpl::operation(void (*fn)(void*), void* arg) {
  for (unsigned i = 0; i < trap::kKept; i++) {
    probe_.kept_before[i] = static_cast<std::uintptr_t>(mix(trials_ + i));
  }
  for (unsigned i = 0; i < trap::kControls; i++) probe_.control_before[i] = trap::kControlProbe[i];
  errno = kErrno;
  arm_all();  // not before: what leads here may run the same code
  if (!patches_ && to_be_filled_ == nullptr) operation_starts();  // not for a baseline
  started_ = true;
  trap::probe_call(&probe_, fn, arg);
}

// The operation has come back. The harness's own frames were among those in use: where they were
// overwritten nothing may return into them.
void EngineImpl::operation_over() {
  ended_ = true;
  if (mode_ == Mode::trial) trap::disarm_all();
  check_registers();
  if (seen_->entered != seen_->exited || seen_->smashed) leave(End::stopped);
}

void EngineImpl::arm_all() {
  if (mode_ == Mode::tracing && !recording_handler_) {
    trap::arm(kEntryBreak, as_address(subject_->entry(plan_.protocol, plan_.site)), 1);
  }
  for (unsigned i = 0; i < plan_.injections; i++) {
    const PlannedInjection& injection = plan_.injection[i];
    if (injection.source != Source::external && injection.parent == kNone) arm(i);
  }
}

void EngineImpl::arm(unsigned index) {
  const PlannedInjection& injection = plan_.injection[index];
  if (injection.source == Source::hwbreak) {
    trap::arm_hwbreak(index, injection.pc, injection.nth);
  } else {
    trap::arm(index, injection.pc, injection.nth, injection.gate);
  }
}

void EngineImpl::check_registers() {
  if (errno != kErrno) seen_->leaked = "errno";
  for (unsigned i = 0; i < trap::kKept; i++) {
    if (probe_.kept_after[i] != probe_.kept_before[i]) seen_->leaked = trap::kKeptNames[i];
  }
  for (unsigned i = 0; i < trap::kControls; i++) {
    if (probe_.control_after[i] != probe_.control_before[i]) seen_->leaked = trap::kControlNames[i];
  }
  if (const char* flag = trap::flags_problem(probe_.flags_after)) seen_->leaked = flag;
  if (probe_.sp_after != probe_.sp_before)
    seen_->misplaced = "the operation returned with another SP";
  if (probe_.fp_after != probe_.fp_before) seen_->leaked = kFramePointer;
  check_rest();
}

// Once a trial: at the end of the operation, or, if that never came back, of the run.
void EngineImpl::check_rest() {
  if (checked_rest_) return;
  checked_rest_ = true;
  if (to_be_filled_ != nullptr) {
    Region regions[kMaxRegions];
    to_be_filled_->take(regions, subject_->rest_regions(regions));
  }
  if (rest_ != nullptr && rest_->differs()) {
    seen_->leaked = "the subject's state";
  }
}

void EngineImpl::on_break(unsigned index, ucontext_t* uc) {
  if (index >= kMaxInjections) {  // of a recording
    trap::start_stepping(uc);
    on_step(uc);
    return;
  }
  const PlannedInjection& injection = plan_.injection[index];
  if (injection.parent != kNone && is_over(injection.parent, uc)) return;
  reached(index, uc);
  send(index, uc);
}

// The boundary of a nested injection lies in code that the operation runs too: what comes by when
// the handler is through is not meant. Its way out of the stack that it ran on still belongs to it.
bool EngineImpl::is_over(int injection, const ucontext_t* uc) const {
  if (!seen_->has_exited(static_cast<unsigned>(injection))) return false;
  const std::uint64_t sp = trap::context_sp(uc);
  if (protocol_->own_stack) {
    const std::uint64_t interrupted = landings_[injection].sp;
    return sp >= interrupted || subject_->stack_of(sp) != subject_->stack_of(interrupted);
  }
  const Region stack = subject_->alternate_stack();
  const auto lowest = as_address(stack.at);
  return sp < lowest || sp > lowest + stack.size;
}

void EngineImpl::reached(unsigned index, ucontext_t* uc) {
  seen_->hits++;
  reached_ |= std::uint32_t{1} << index;
  arriving_[arriving_count_++] = index;
  landings_[index].sp = trap::context_sp(uc);
  landings_[index].running = subject_->running();
  Region in_use[kMaxRegions];
  landings_[index].live.take(in_use, live_regions(index, in_use));
  if (seen_->hits == 1) {
    trap::raw_copy(&landed_context_.uc_mcontext, &uc->uc_mcontext, sizeof uc->uc_mcontext);
    for (unsigned i = 0; i < kMaxSlots; i++) slots_at_landing_[i] = slot_value(i);
    note_state_before(uc);
  }
  enter_level(index);
  // As in a runtime that lets signals nest; the handler's own return puts its mask back.
  if (plan_.injection[index].parent != kNone) {
    sigdelset(&uc->uc_sigmask, plan_.injection[index].signal);
  }
}

// The first landing of a trial shows what the trial before left behind.
void EngineImpl::note_state_before(const ucontext_t* uc) {
  std::uint64_t mask = 0;
  trap::raw_copy(&mask, &uc->uc_sigmask, sizeof mask);
  if (mask != normal_mask_ || uc->uc_stack.ss_sp != normal_stack_.ss_sp ||
      uc->uc_stack.ss_size != normal_stack_.ss_size) {
    changed_before_ = true;
  }
}

// While a handler runs only the injections nested in it count their passes.
void EngineImpl::enter_level(unsigned index) {
  place_traps(true);
  for (unsigned i = 0; i < plan_.injections; i++) {
    const PlannedInjection& other = plan_.injection[i];
    if (other.source == Source::external || i == index) continue;
    if (other.parent == static_cast<int>(index)) {
      arm(i);
    } else {
      trap::suspend(i);
    }
  }
}

// And behind it those that wait where it was interrupted: beside it; and, where that was a
// handler's way out, beside that handler too.
void EngineImpl::leave_level(unsigned index) {
  int level = plan_.injection[index].parent;
  place_traps(level != kNone);
  for (;; level = plan_.injection[level].parent) {
    for (unsigned i = 0; i < plan_.injections; i++) {
      if (plan_.injection[i].parent == level) trap::resume(i);
    }
    if (level == kNone || !seen_->has_exited(static_cast<unsigned>(level))) return;
  }
}

void EngineImpl::send(unsigned index, ucontext_t* uc) {
  const PlannedInjection& injection = plan_.injection[index];
  if (mode_ == Mode::tracing) {
    trap::arm(kEntryBreak, as_address(subject_->signal_entry()), 1);
  }
  if (trap::is_the_trap(injection.source)) {
    static siginfo_t info;
    trap::EntryFound found;
    info.si_signo = injection.signal;
    trap::entry_call(subject_->signal_entry(), injection.signal, &info, uc, &found);
    if (const char* problem = trap::entry_problem(found)) seen_->leaked = problem;
    if (mode_ == Mode::trial) check_stacks(index);  // what the way back wrote
    return;
  }
  trap::make_pending(injection.source, injection.signal);
}

// What the ABI promises a handler. The compiler relies on it, so that a breach shows anywhere, or
// nowhere.
void EngineImpl::check_entry(std::uint64_t frame, std::uint64_t flags) {
  if (frame % trap::kFrameAlignment != trap::kFrameRest) {
    seen_->misplaced = "the handler was entered with a misaligned SP";
  }
  if (trap::flags_problem(flags) != nullptr)
    seen_->leaked = "direction flag, at the handler's entry";
}

void EngineImpl::on_signal(int sig, ucontext_t* uc) {
  const std::uint64_t flags = trap::flags_at_entry();
  if (mode_ == Mode::idle) return;
  if (frame_pad_ != 0) {  // as if the kernel's frame were so much larger
    auto* pad = static_cast<volatile char*>(__builtin_alloca(frame_pad_));
    *pad = 1;
  }
  if (sig == stray_signal()) {
    on_stray();
    return;
  }
  take_from_outside(uc);
  if (arriving_count_ == 0) return;  // nobody asked for this one
  const unsigned index = arriving_[--arriving_count_];
  const PlannedInjection& injection = plan_.injection[index];
  if (trap::context_pc(uc) != injection.pc || sig != injection.signal) {
    seen_->misplaced = "a signal arrived elsewhere than it was sent to";
    return;
  }
  seen_->landed++;
  const std::uint32_t bit = std::uint32_t{1} << index;
  seen_->entered |= bit;
  if (mode_ == Mode::tracing) {
    hide_traced(false);
    trap::resume_stepping();
    call_handler(index);
    trap::stop_stepping();
    if (sabotage_ != nullptr) sabotage_(uc);
    seen_->exited |= bit;
    return;
  }
  Landing& landing = landings_[index];
  Region regions[kMaxRegions];
  const std::uint64_t sp = trap::context_sp(uc);
  check_entry(as_address(__builtin_frame_address(0)), flags);
  check_place(index);
  check_frame(landing.live.regions());
  if (protocol_->must_reject) landing.state.take(regions, subject_->state_regions(regions));
  for (unsigned i = 0; i < kMaxSlots; i++) landing.slots[i] = slot_value(i);
  call_handler(index);
  if (sabotage_ != nullptr) sabotage_(uc);
  if (protocol_->keeps_slots) {
    for (unsigned i = 0; i < kMaxSlots; i++) {
      if (slot_value(i) != landing.slots[i]) seen_->slots_changed |= SlotMask{1} << i;
    }
  }
  if (!patches_) handler_ends();
  errno = kErrno + 1;  // a handler may; whoever entered it puts the old value back
  seen_->exited |= bit;
  check_stacks(index);
  if (injection.parent == kNone) subject_->scrub(sp);
  leave_level(index);
}

// What a stray signal interrupts may be anything in the process. In the middle of an operation, and
// in injectable code, the subject expects signals, and neither the engine nor the breakpoints are
// in the middle of something.
void EngineImpl::on_stray_entry(siginfo_t* info, ucontext_t* uc) {
  strays_.seen++;
  if (mode_ != Mode::trial || *serial_ == 0 || !started_ || ended_) return;
  if (!code_.contains(trap::context_pc(uc))) return;
  const std::uint32_t suspended = trap::suspend_all();
  subject_->signal_entry()(info->si_signo, info, uc);
  trap::resume_all(suspended);
}

void EngineImpl::on_stray() {
  const std::uint64_t number = strays_.landed++;
  if (protocol_->allowed == kOnlyOk) {
    const auto turn = static_cast<std::size_t>(number % stray_handlers_.size());
    const char* problem = call_of_stray(stray_handlers_[turn]);
    if (problem != nullptr) seen_->misplaced = problem;
  }
  errno = kErrno + 1;
}

// Null, or what went wrong with it.
const char* EngineImpl::call_of_stray(unsigned handler) {
  constexpr unsigned kLevel = 15;  // of its nonces: no plan's
  std::uint64_t slots[kMaxSlots];
  for (unsigned i = 0; i < kMaxSlots; i++) slots[i] = slot_value(i);
  Call call{}, inner{};
  call.inner = &inner;
  draw_nonces(strays_.called++, kLevel, word_bits_, call.in);
  subject_->handle(plan_.protocol, handler, &call);
  const Site& site = subject_->sites()[handler];
  if (call.fn_runs != 1 || call.returns != 1) return "a stray signal's fn did not run once";
  if ((clobbered_arguments(site, call) | clobbered_results(site, call)) != 0)
    return "a stray signal's values changed on the way";
  for (unsigned i = 0; i < kMaxSlots && protocol_->keeps_slots; i++) {
    if (slot_value(i) != slots[i]) return "a stray signal's handler left other slots";
  }
  return subject_->check_call(handler, call, true);
}

// A signal that somebody else sent at a boundary of the plan.
void EngineImpl::take_from_outside(ucontext_t* uc) {
  for (unsigned i = 0; i < plan_.injections; i++) {
    const PlannedInjection& injection = plan_.injection[i];
    const bool waiting = !seen_->has_entered(i);
    if (injection.source == Source::external && waiting && trap::context_pc(uc) == injection.pc) {
      reached(i, uc);
      return;
    }
  }
}

// What is in use of the stacks where this injection landed; and, where it interrupts a handler, on
// the stack that the handler's signal has interrupted, which may tell no longer.
unsigned EngineImpl::live_regions(unsigned index, std::span<Region> out) const {
  unsigned count = subject_->live_regions(landings_[index].sp - red_zone_, out);
  for (int i = plan_.injection[index].parent; i != kNone; i = plan_.injection[i].parent) {
    Region outer[kMaxRegions];
    const std::uint64_t sp = landings_[i].sp - red_zone_;
    const unsigned found = subject_->live_regions(sp, outer);
    for (unsigned k = 0; k < found && count < out.size(); k++) {
      if (as_address(outer[k].at) == sp) out[count++] = outer[k];
    }
  }
  return count;
}

// The handler's own call, if it makes one.
void EngineImpl::call_handler(unsigned index) {
  const PlannedInjection& injection = plan_.injection[index];
  if (injection.handler == kNoHandler) return;
  Call& call = seen_->handler[index];
  std::copy(std::begin(injection.in), std::end(injection.in), std::begin(call.in));
  call.inner = &seen_->handler_inner[index];
  const int outer = calling_;
  calling_ = static_cast<int>(index);
  subject_->handle(plan_.protocol, injection.handler, &call);
  calling_ = outer;
}

// SP was in a stack, the handler runs where the protocol says, and it was told whom it interrupts:
// who that is shows before the signal's entry only.
void EngineImpl::check_place(unsigned index) {
  const Landing& landing = landings_[index];
  const bool known = plan_.injection[index].source != Source::external;
  if (known && subject_->interrupted() != landing.running) {
    seen_->misplaced = "the handler was told that something else was interrupted";
  }
  const std::uint64_t interrupted = landing.sp;
  const unsigned stack = subject_->stack_of(interrupted);
  if (stack == 0) {
    seen_->misplaced = kNoStack;
    return;
  }
  const auto here = as_address(__builtin_frame_address(0));
  const Region alternate = subject_->alternate_stack();
  const bool stayed = subject_->stack_of(here) == stack;
  const bool may_stay =
      protocol_->own_stack || interrupted - as_address(alternate.at) <= alternate.size;
  if (stayed != may_stay) seen_->misplaced = "the handler ran on a wrong stack";
}

// A signal that began a stack anew while frames on it were in use has destroyed them already: what
// would follow is anything.
void EngineImpl::check_frame(std::span<const Region> in_use) {
  const auto here = as_address(__builtin_frame_address(0));
  for (const Region& region : in_use) {
    if (here - as_address(region.at) >= region.size) continue;
    seen_->misplaced = "the handler's frame lies on frames in use";
    leave(End::stopped);
  }
}

void EngineImpl::check_stacks(unsigned index) {
  if (landings_[index].live.differs()) seen_->smashed = true;
}

// Between the call of a stub in the handler and the throw only the slots may have changed, and
// those only by the handler's own arguments.
void EngineImpl::check_slots_at_throw() {
  const Protocol& protocol = *protocol_;
  const auto index = static_cast<unsigned>(calling_);
  const SlotMask passed =
      protocol.slots_in_handler ? subject_->sites()[plan_.injection[index].handler].in : 0;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    const bool given = (passed >> i & 1) != 0;
    if (slot_value(i) != (given ? seen_->handler[index].in[i] : landings_[index].slots[i])) {
      seen_->changed_before_throw = true;
    }
  }
}

// Whether a signal that was sent and is not pending, and whose handler never began, has come to its
// boundary all the same: another one has interrupted it on its way, or the trial has ended there.
bool EngineImpl::has_struck(unsigned index) const {
  const PlannedInjection& injection = plan_.injection[index];
  if (trap::is_the_trap(injection.source)) return true;  // it was what was hit
  if (seen_->end != End::finished && seen_->end != End::stopped) return true;
  for (unsigned i = 0; i < plan_.injections; i++) {
    const bool nested = plan_.injection[i].parent == static_cast<int>(index);
    if (nested && (reached_ >> i & 1) != 0) return true;
  }
  return false;
}

void EngineImpl::settle_arrivals() {
  while (arriving_count_ > 0) {
    const unsigned index = arriving_[--arriving_count_];
    const PlannedInjection& injection = plan_.injection[index];
    const bool can_wait = !trap::is_the_trap(injection.source);
    if (can_wait && trap::discard_pending(injection.signal)) {
      // A trial that has come back must not have left a mask: then this signal is lost.
      if (seen_->end != End::finished) seen_->waited++;
      continue;
    }
    if (has_struck(index)) seen_->landed++;
  }
}

void EngineImpl::on_throw(const char* message) {
  if (mode_ != Mode::trial && mode_ != Mode::tracing) return;
  seen_->message = message;
  seen_->thrown_in_handler = calling_ != kNone;
  if (calling_ != kNone && mode_ == Mode::trial && protocol_->must_reject) {
    const Landing& landing = landings_[calling_];
    check_slots_at_throw();
    if (landing.live.differs() || landing.state.differs()) seen_->changed_before_throw = true;
  }
  if (in_child_) {
    seen_->end = End::thrown;
    settle_arrivals();
    observe_end();
    return;  // and the throw goes on for real
  }
  leave(End::thrown);
}

void EngineImpl::leave(End end) {
  seen_->end = end;
  // There is nothing to return to; or returning does not help, for the trial has damaged the
  // harness.
  if (mode_ == Mode::idle || *serial_ == 0 || std::exchange(left_, true)) _exit(3);
  trap::contain_leave(&containment_, 1);
}

void EngineImpl::on_fault(int sig, siginfo_t* info, ucontext_t* uc) {
  if (mode_ == Mode::tracing && sig == SIGSEGV && record_access(info, uc)) return;
  if (mode_ == Mode::trial && sig == SIGSEGV) note_undelivered(uc);
  // Only a fault that an injection may have caused is contained: any other would come again for
  // ever.
  if ((mode_ != Mode::trial && mode_ != Mode::tracing) || seen_->hits == 0 || *serial_ == 0) {
    hand_back(sig, info, uc);
    return;
  }
  seen_->fault_signal = sig;
  seen_->fault_pc = trap::context_pc(uc);
  seen_->fault_address = as_address(info->si_addr);
  if (in_child_) {
    seen_->end = End::faulted;
    settle_arrivals();
    hand_back(sig, info, uc);
    return;
  }
  leave(End::faulted);
}

// A sanitizer is about to report an access of the subject: a fault that it saw coming.
void EngineImpl::on_report() {
  const bool contained = mode_ == Mode::trial || mode_ == Mode::tracing;
  if (contained && !in_child_ && seen_->hits > 0 && *serial_ != 0) leave(End::faulted);
}

// The kernel raises SIGSEGV where it can't write a signal's frame: SP points nowhere. The signal
// has struck at its boundary all the same.
void EngineImpl::note_undelivered(const ucontext_t* uc) {
  const bool trap = trap::is_undelivered_trap(uc);
  const bool sent = arriving_count_ > 0 &&
                    trap::context_pc(uc) == plan_.injection[arriving_[arriving_count_ - 1]].pc;
  if (!trap && !sent) return;
  if (trap) {
    seen_->hits++;
    seen_->landed++;
  }
  seen_->misplaced = kNoStack;
}

void EngineImpl::hand_back(int sig, siginfo_t* info, ucontext_t* uc) {
  char text[160];
  if (in_child_ && seen_->hits > 0) {  // the trial's own end
    sigaction(sig, &before_[sig], nullptr);
    return;
  }
  const int n = std::snprintf(
      text, sizeof text, "runner: signal %d at pc=0x%llx address=%p with no injection behind it\n",
      sig, static_cast<unsigned long long>(trap::context_pc(uc)), info->si_addr);
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) _exit(3);
  sigaction(sig, &before_[sig], nullptr);  // and whoever was there before has it
  trap::disarm_all();
  // Back to the faulting instruction, which faults once more; unless somebody sent the signal.
  if (info->si_code <= 0) raise(sig);
}

// After the trial, on the engine's own stack again.
// An abandoned trial leaves frames that were never left. Nothing without ASan.
void EngineImpl::unpoison_stacks() {
  Region stacks[kMaxRegions];
  const unsigned count = subject_->stacks(stacks);
  stacks[count] = trial_stack_;
  for (unsigned i = 0; i <= count; i++) {
    const std::uint64_t at = as_address(stacks[i].at);
    trap::unpoison(at, at + stacks[i].size);
  }
}

void EngineImpl::finish() {
  *serial_ = 0;
  trap::disarm_all();
  trap::disarm_hwbreaks();
  const bool whole = seen_->end == End::finished && seen_->entered == seen_->exited;
  if (!whole) unpoison_stacks();
  astray_ = !whole || seen_->misplaced != nullptr || seen_->leaked != nullptr || seen_->smashed;
  // Only a handler that masks leaves a mask behind when it is abandoned: those of faults and of the
  // watchdog do.
  const bool by_own_handler = seen_->end == End::faulted || seen_->end == End::timed_out;
  const bool kept = seen_->end == End::finished || (!by_own_handler && only_traps_are_signals_);
  settle_arrivals();  // before the mask is put back: what waits behind it would come
  if (!lazy_ || !kept || seen_->hits == 0) check_mask_and_stack();
  if (seen_->end == End::finished) {
    check_rest();
    if (seen_->op.returns > 0 && seen_->op.fn_runs > 0 && seen_->leaked == nullptr) {
      seen_->leaked = subject_->check_state(plan_.site, seen_->op);
    }
  }
  observe_end();
}

void EngineImpl::observe_end() {
  seen_->slots_left = 0;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    if (slot_value(i) != 0) seen_->slots_left |= SlotMask{1} << i;
  }
}

void EngineImpl::check_mask_and_stack() {
  std::uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &normal_mask_, &mask, kKernelSigset);
  const bool to_its_end = seen_->end == End::finished || seen_->end == End::stopped;
  if (mask != normal_mask_ && to_its_end) seen_->leaked = "signal mask";
  if (!to_its_end) return;
  stack_t stack{};
  syscall(SYS_sigaltstack, nullptr, &stack);
  if (stack.ss_sp != normal_stack_.ss_sp || stack.ss_size != normal_stack_.ss_size) {
    seen_->leaked = "alternate stack";
    syscall(SYS_sigaltstack, &normal_stack_, nullptr);
  }
}

bool EngineImpl::settled() {
  if (patches_ && !trap::is_pristine()) {
    std::fprintf(stderr, "runner: a breakpoint's patch was left in the code\n");
    _exit(3);
  }
  stack_t stack{};
  std::uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &normal_mask_, &mask, kKernelSigset);
  syscall(SYS_sigaltstack, nullptr, &stack);
  const bool same = mask == normal_mask_ && stack.ss_sp == normal_stack_.ss_sp &&
                    stack.ss_size == normal_stack_.ss_size;
  if (!same) syscall(SYS_sigaltstack, &normal_stack_, nullptr);
  return same && !std::exchange(changed_before_, false);
}

const Observation& EngineImpl::run(const Plan& plan) {
  recorder_.dismiss();  // no trial has a child that it did not ask for
  stack_prober_.dismiss();
  mode_ = Mode::trial;
  begin(plan);
  trap::contain_call(&containment_, run_site, this);
  finish();
  mode_ = Mode::idle;
  return *seen_;
}

Judgement EngineImpl::judge_last() const {
  const auto sites = subject_->sites();
  const Site* handlers[kMaxInjections] = {};
  for (unsigned i = 0; i < plan_.injections; i++) {
    const unsigned handler = plan_.injection[i].handler;
    if (handler != kNoHandler) handlers[i] = &sites[handler];
  }
  return judge(*subject_, *protocol_, sites[plan_.site], {handlers, plan_.injections}, *seen_);
}

std::string EngineImpl::expect_strays(std::vector<unsigned> handlers) {
  struct sigaction sa {};
  sa.sa_sigaction = stray_entry;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  block_all_it_may(&sa.sa_mask);
  if (handlers.empty()) return "stray signals: no handler";
  if (sigaction(stray_signal(), &sa, nullptr) != 0) {
    return "a handler for stray signals: " + std::string(strerror(errno));
  }
  stray_handlers_ = std::move(handlers);
  return {};
}

void EngineImpl::settle_last() {
  if (std::exchange(astray_, false)) first_.put_back();
}

Judgement EngineImpl::baseline(unsigned protocol, unsigned site, std::uint64_t seed) {
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, word_bits_, plan.in);
  worker_.dismiss();  // it does not know what will be known now
  std::unique_ptr<StateSnapshot>& known = rests_[protocol * subject_->sites().size() + site];
  known.reset();
  auto rest = std::make_unique<StateSnapshot>();
  to_be_filled_ = rest.get();
  run(plan);
  to_be_filled_ = nullptr;
  paint_.look();
  known = std::move(rest);
  return judge_last();
}

// ---- tracing

std::uint64_t EngineImpl::slot_value(unsigned i) const {
  if (i >= slot_count_) return 0;
  if (word_bits_ == 32) return *static_cast<const volatile std::uint32_t*>(slot_cells_[i]);
  return *static_cast<const volatile std::uint64_t*>(slot_cells_[i]);
}

// What parent and child share.
struct EngineImpl::Shared {
  Observation seen;
  Plan plan;
  std::size_t stack_used = 0;
};

// What is recorded of an operation or a handler. Filled in signal context.
struct EngineImpl::Record {
  std::size_t steps = 0, accesses = 0;
  bool finished = true;  // each walk came to its end
  bool same = true;      // each took the steps of the first
  Step step[kMaxSteps];
  Access access[kMaxSteps];
};

void EngineImpl::protect_traced(int protection) {
  for (unsigned i = 0; i < page_count_; i++) {
    mprotect(const_cast<void*>(pages_[i].at), pages_[i].size, protection);
  }
  hidden_ = protection != kVisible;
}

void EngineImpl::hide_traced(bool hidden) {
  const int protection = hidden ? hidden_as_ : kVisible;
  if (hidden_ != (protection != kVisible)) protect_traced(protection);
}

bool EngineImpl::on_step(ucontext_t* uc) {
  const bool goes_on = take_step(uc);
  hide_traced(goes_on);
  return goes_on;
}

// The traced pages may be hidden: nothing here looks at them but in the walk that hides none.
bool EngineImpl::take_step(ucontext_t* uc) {
  const bool over = recording_handler_ ? seen_->exited != 0 : ended_;
  const std::uint64_t pc = trap::context_pc(uc);
  const bool within = code_.contains(pc);
  // Steps that are patches do not see what lies outside.
  const bool back = !within || !recording_handler_ || pc == plan_.injection[0].pc;
  if (*serial_ == 0 || steps_walked_ == kMaxSteps || (over && back)) return false;
  if (!within) return !step_over_call(uc);
  last_pc_ = pc;
  const std::size_t index = steps_walked_++;
  if (hidden_as_ == kVisible) {
    record_step(uc, pc);
  } else if (index >= record_->steps || record_->step[index].pc != pc) {
    record_->same = false;
  }
  return record_->same;
}

void EngineImpl::record_step(const ucontext_t* uc, std::uint64_t pc) {
  Step& step = record_->step[record_->steps++];
  step = Step{};
  step.pc = pc;
  step.sp = trap::context_sp(uc);
  subject_->describe(step.sp, step.state, sizeof step.state - 1);
  step.marks = subject_->marks(step.sp, red_zone_);
  step.watches = subject_->watch(step.sp, recording_handler_, step.watched);
  trap::context_preserved(uc, step.preserved);
}

// A call has just left the code under test: what it runs is not recorded, and not stepped through.
bool EngineImpl::step_over_call(const ucontext_t* uc) const {
  constexpr std::uint64_t kLongestCall = 16;  // bytes
  const std::uint64_t target = trap::return_address(uc);
  if (target <= last_pc_ || target > last_pc_ + kLongestCall) return false;
  unsigned index = kReturnBreak;  // one for each call that has not come back yet
  while (index < trap::kMaxBreaks && trap::is_armed(index)) index++;
  if (index == trap::kMaxBreaks) return false;  // so deep that it is stepped through
  trap::arm(index, target, 1);
  return true;
}

// The access that has just faulted: noted, let through, and hidden again at the next step.
bool EngineImpl::record_access(siginfo_t* info, ucontext_t* uc) {
  const auto address = as_address(info->si_addr);
  const bool traced = std::any_of(pages_, pages_ + page_count_, [&](const Region& r) {
    const auto begin = as_address(r.at);
    return address >= begin && address < begin + r.size;
  });
  if (!hidden_ || !traced) return false;
  hide_traced(false);
  const auto note = [&](unsigned index, const void* cell) {
    if (as_address(cell) != address || steps_walked_ == 0) return;
    const auto step = static_cast<std::uint32_t>(steps_walked_ - 1);
    if (hidden_as_ == PROT_NONE && record_->accesses < kMaxSteps) {
      record_->access[record_->accesses++] =
          Access{step, static_cast<std::uint8_t>(index), trap::fault_is_write(uc)};
    } else if (hidden_as_ == PROT_READ) {  // this one writes
      for (std::size_t i = 0; i < record_->accesses; i++) {
        Access& access = record_->access[i];
        access.write = access.write || (access.step == step && access.slot == index);
      }
    }
  };
  for (unsigned i = 0; i < slot_count_; i++) note(i, slot_cells_[i]);
  const auto cells = subject_->cells();
  for (unsigned i = 0; i < cells.size(); i++) note(kMaxSlots + i, cells[i].address);
  return true;
}

// Through the operation, or the handler, step by step, its pages protected like that.
void EngineImpl::walk(const Plan& plan, int protection) {
  steps_walked_ = 0;
  last_pc_ = 0;
  hidden_as_ = protection;
  mode_ = Mode::tracing;
  trap::limit_time(kRecordLimit);
  begin(plan);
  trap::contain_call(&containment_, run_site, this);
  *serial_ = 0;  // the next step, if one is under way, is the last
  trap::limit_time(kTimeLimit);
  protect_traced(kVisible);
  finish();
  mode_ = Mode::idle;
  record_->finished = record_->finished && seen_->end == End::finished;
  record_->same = record_->same && steps_walked_ == record_->steps;
}

// The steps, with all that is to be seen at each, and then what they access. To look, the pages
// must be visible; to catch an access, hidden: to do both in one walk takes four changes of a
// page's protection a step, each dearer than the step.
void EngineImpl::record(const Plan& plan) {
  record_->steps = record_->accesses = 0;
  record_->finished = record_->same = true;
  walk(plan, kVisible);
  walk(plan, PROT_NONE);
  if constexpr (!trap::kFaultTellsWrite) walk(plan, PROT_READ);  // only what is written faults
}

// A way that does not come to its end need not be the same twice.
std::string EngineImpl::read_record(Trace* out) const {
  const Record& r = *record_;
  if (r.steps == 0) return "the code to be recorded was never entered";
  if (r.steps == kMaxSteps) return "the operation has too many instructions";
  if (r.finished && !r.same)
    return "the operation took another way when its accesses were recorded";
  std::string problem = build_trace(*subject_, {r.step, r.steps}, {r.access, r.accesses}, out);
  out->complete = r.finished;
  return problem;
}

std::string EngineImpl::trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out) {
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, word_bits_, plan.in);
  recording_handler_ = false;
  record(plan);
  return read_record(out);
}

// A handler may switch to another stack. A trap there that took the alternate stack would begin at
// its top, over what the handler has left on it: so while one is recorded, traps take the stack
// they find. But a handler that goes astray may leave SP where no frame can be written, and that
// ends the process: so a child records, in memory that it shares, and only where it dies of that is
// it done here, with traps on the alternate stack.
std::string EngineImpl::trace_handler(const Plan& plan, Trace* out) {
  recording_handler_ = true;
  shared_->plan = plan;
  const Forked tried = recorder_.once();
  trap::make_pristine();  // children share the code
  if (tried.exit_status != kCameBack) record(plan);
  recording_handler_ = false;
  return read_record(out);
}

// Also for the next handler, unless this one may have left something behind.
void EngineImpl::record_in_worker() {
  static volatile std::uint64_t own_serial = 0;  // the parent's watchdog must not see this
  if (serial_ != &own_serial) {
    trap::after_fork();
    record_where_it_is();
  }
  serial_ = &own_serial;
  record(shared_->plan);
  if (!record_->finished) _exit(kCameBack);
}

void EngineImpl::record_where_it_is() {
  record_where_it_is_ = true;
  struct sigaction sa {};
  sigaction(SIGSEGV, nullptr, &sa);
  sa.sa_flags &= ~SA_ONSTACK;
  sigaction(SIGSEGV, &sa, nullptr);
}

// ---- a trial in a child, where its end is real

// A child serves until a trial ends it: one that comes to its end by itself leaves nothing behind
// that containment would have to clear away.
const Observation& EngineImpl::run_forked(const Plan& plan) {
  plan_ = shared_->plan = plan;
  seen_->begin(plan.injections);
  child_ = worker_.once();
  trust_the_outside();
  return *seen_;
}

void EngineImpl::run_in_worker() {
  // The child dies in its trial, and the parent's watchdog must not take that trial for its own.
  static volatile std::uint64_t own_serial = 0;
  if (!in_child_) trap::after_fork();
  serial_ = &own_serial;
  in_child_ = true;
  const Plan plan = shared_->plan;
  for (unsigned i = 0; i < plan.injections; i++) {
    if (!trap::prepare(plan.injection[i].source).empty()) _exit(3);
  }
  run(plan);
}

std::size_t EngineImpl::signal_stack_used(const Plan& plan) {
  shared_->plan = plan;
  shared_->stack_used = 0;
  const Forked child = stack_prober_.once();
  if (child.exit_status == kCameBack) return shared_->stack_used;
  trap::make_pristine();  // children share the code
  return 0;
}

void EngineImpl::probe_stack() {
  static volatile std::uint64_t own_serial = 0;  // the parent's watchdog must not see this
  if (serial_ != &own_serial) trap::after_fork();
  serial_ = &own_serial;
  trap::StackPaint fresh;
  fresh.attach_anew(subject_->alternate_stack());
  const Plan plan = shared_->plan;
  for (unsigned i = 0; i < plan.injections; i++) {
    if (!trap::prepare(plan.injection[i].source).empty()) _exit(3);
  }
  run(plan);
  fresh.look();
  shared_->stack_used = fresh.used(0);
}

// The child's own account of its end stands only where the way in which it died confirms it.
void EngineImpl::trust_the_outside() {
  const bool lives = child_.exit_status == kCameBack;
  if (!lives) trap::make_pristine();  // children share the code
  const bool threw =
      seen_->end == End::thrown && child_.exit_status == 2 &&
      child_.output.starts_with("fatal error: " + std::string(seen_->message) + "\n");
  if (child_.signal == SIGKILL) {
    seen_->end = End::timed_out;
  } else if (!lives && !threw) {
    seen_->end = End::faulted;  // it died of a signal, or a sanitizer ended it
  }
}

// ---- taking over the process

// Where a thread has registered restartable sequences, as glibc does for each, the kernel looks at
// them on the way into every handler: a twentieth of what a signal costs. Nothing here has any. A
// kernel that refuses leaves all as it was.
void forgo_restartable_sequences() {
#if defined(RSEQ_SIG)
  constexpr unsigned kRegisteredBytes = 32;  // by glibc, whatever __rseq_size says is in use of it
  void* area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  syscall(SYS_rseq, area, kRegisteredBytes, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
#endif
}

std::string EngineImpl::install_handlers() {
  struct sigaction sa {};
  sa.sa_sigaction = fault_entry;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  block_all_it_may(&sa.sa_mask);
  sigaddset(&sa.sa_mask, trap::watchdog_signal());  // a trial that has faulted is at its end
  for (int s : kFaults) {
    if (sigaction(s, &sa, &before_[s]) != 0)
      return "a handler for faults: " + std::string(strerror(errno));
  }
  return {};
}

// What of the code is data. Empty, or what is wrong: a step that is a patch would overwrite it.
std::string find_constants(const CodeRanges& code, std::vector<Region>* found) {
  if (trap::kHasTrapFlag) return {};  // nobody asks
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

// With the children that will be.
void* shared_memory(std::size_t size) {
  return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

std::string EngineImpl::attach(volatile std::uint64_t* serial, bool patches) {
  subject_ = &subject();
  code_ = CodeRanges(subject_->code());
  forgo_restartable_sequences();
  void* shared = shared_memory(sizeof(Shared));
  void* record = shared_memory(sizeof(Record));  // large, and not touched before it is needed
  if (shared == MAP_FAILED || record == MAP_FAILED) {
    return "memory for what is seen: " + std::string(strerror(errno));
  }
  shared_ = new (shared) Shared{};
  seen_ = &shared_->seen;
  record_ = static_cast<Record*>(record);
  // In bytes, and as much again that is never touched, below.
  constexpr std::size_t kStack = 256 * 1024;
  void* stack = mmap(nullptr, 2 * kStack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED ||
      mprotect(static_cast<char*>(stack) + kStack, kStack, PROT_READ | PROT_WRITE) != 0) {
    return "a stack for trials: " + std::string(strerror(errno));
  }
  trial_stack_ = Region{static_cast<char*>(stack) + kStack, kStack};
  containment_.stack = as_address(stack) + 2 * kStack;
  serial_ = serial;
  word_bits_ = subject_->word_bits();
  slot_count_ = static_cast<unsigned>(subject_->slots().size());
  for (unsigned i = 0; i < slot_count_; i++) slot_cells_[i] = subject_->slot_address(i);
  int signals[std::size(kSignals) + 1];
  for (unsigned i = 0; i < std::size(kSignals); i++) signals[i] = *signal_number(kSignals[i]);
  signals[std::size(kSignals)] = stray_signal();
  if (const char* pad = std::getenv("SIGSWEEP_FRAME_PAD"))
    frame_pad_ = std::strtoul(pad, nullptr, 10);
  page_count_ = subject_->traced_pages(pages_);
  constexpr std::size_t kHandlerNeeds = 4096;  // bytes, beside the kernel's frame
  if (const std::size_t has = subject_->alternate_stack().size;
      has < least_frame() + kHandlerNeeds) {
    return "the alternate stack has " + std::to_string(has) + " bytes; a handler needs " +
           std::to_string(least_frame() + kHandlerNeeds) + " on this machine";
  }
  rests_.resize(subject_->protocols().size() * subject_->sites().size());
  subject_->install(signals, this);
  std::string problem = install_handlers();
  patches_ = patches;
  std::vector<Region> constants;
  if (problem.empty() && patches) problem = find_constants(code_, &constants);
  if (problem.empty() && patches) problem = trap::attach(code_, std::move(constants), this);
  if (problem.empty()) problem = trap::start_watchdog(serial_, kTimeLimit, time_up);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &normal_mask_, kKernelSigset);
  syscall(SYS_sigaltstack, nullptr, &normal_stack_);
  trap::on_sanitizer_report(report_entry);
  probe_.over = sigsweep::operation_over;
  Region stacks[trap::StackPaint::kMostStacks];
  paint_.attach({stacks, subject_->stacks(stacks)});
  subject_->reset(0);
  Region regions[kMaxRegions];
  first_.take(regions, subject_->state_regions(regions));
  return problem;
}

std::string EngineImpl::resume() {
  trap::after_fork();
  trap::make_pristine();  // children share the code, and one may have been killed in a trial
  return trap::start_watchdog(serial_, kTimeLimit, time_up);
}

}  // namespace

// ---- the public face

Engine& Engine::get() {
  return engine;
}

std::size_t least_frame() {
#if defined(AT_MINSIGSTKSZ)
  return getauxval(AT_MINSIGSTKSZ);
#else
  return 0;
#endif
}

int stray_signal() {
  return SIGRTMIN + 5;  // neither an engine's nor a sanitizer's
}

int preserved_index(std::string_view name) {
  int i = 0;
  for (const char* kept : trap::kKeptNames) {
    if (name == kept) return i;
    i++;
  }
  if (name == kFramePointer) return i;
  for (const char* control : trap::kControlNames) {
    i++;
    if (name == control) return i;
  }
  return -1;
}

void draw_nonces(std::uint64_t seed, unsigned level, unsigned word_bits, std::uint64_t* in) {
  const std::uint64_t drawn = mix(seed);
  const std::uint64_t fits = word_bits >= 64 ? ~0ULL : (std::uint64_t{1} << word_bits) - 1;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    // An odd factor for each slot; the low byte tells level and slot, so no two are equal and none
    // is 0.
    in[i] = ((drawn * (2 * i + 3)) << 8 | (std::uint64_t{level} << 4) | (i + 1)) & fits;
  }
}

}  // namespace sigsweep
