// The trial engine. Built without instrumentation: most of it runs in signal handlers, on stacks
// whose frames a sanitizer may hold for poisoned.
#include "stress/runner/trial.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "stress/runner/inject/arch.h"
#include "stress/runner/inject/breakpoint.h"
#include "stress/runner/inject/raw_memory.h"
#include "stress/runner/inject/sanitizer.h"
#include "stress/runner/inject/sources.h"
#include "stress/runner/inject/watchdog.h"

namespace sigsweep {
namespace {

using inject::Containment;
using inject::Probe;

constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr std::size_t kMaxSteps = 1 << 16;
constexpr std::uint64_t kKernelSigset = sizeof(std::uint64_t);  // bytes of the kernel's signal mask
constexpr unsigned kTimeLimit = 100;                            // ms of CPU time for one trial
constexpr int kErrno = 4242;  // what errno holds while an operation runs

// A copy of some regions, to be compared with what they hold later.
class Snapshot {
 public:
  void take(const Region* regions, unsigned count) {
    count_ = 0;
    std::size_t used = 0;
    for (unsigned i = 0; i < count && count_ < kMaxRegions; i++) {
      const std::size_t size = std::min(regions[i].size, sizeof bytes_ - used);
      regions_[count_++] = Region{regions[i].at, size};
      inject::raw_copy(bytes_ + used, regions[i].at, size);
      used += size;
    }
  }
  bool differs() const {
    std::size_t used = 0;
    for (unsigned i = 0; i < count_; i++) {
      if (inject::raw_differs(bytes_ + used, regions_[i].at, regions_[i].size) !=
          regions_[i].size) {
        return true;
      }
      used += regions_[i].size;
    }
    return false;
  }
  static constexpr unsigned kMaxRegions = 12;

 private:
  Region regions_[kMaxRegions] = {};
  unsigned count_ = 0;
  alignas(8) unsigned char bytes_[8192] = {};
};

class EngineImpl final : public Engine, public Harness, public inject::TrapClient {
 public:
  std::string attach(volatile std::uint64_t* serial, bool patches) override;
  const Observation& run(const Plan& plan) override;
  std::string trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out) override;
  Judgement baseline(unsigned protocol, unsigned site, std::uint64_t seed) override;
  Forked run_forked(const Plan& plan) override;
  Judgement judge_last() const override;
  const ucontext_t& landed_at() const override { return landed_context_; }
  const std::uint64_t* slots_landed() const override { return slots_at_landing_; }
  void sabotage(void (*act)(ucontext_t* uc)) override { sabotage_ = act; }
  double time_direct(std::uint64_t rounds) override;
  double time_floor(std::uint64_t rounds) override;

  // Harness, TrapClient
  void operation(void (*fn)(void*), void* arg) override;
  void on_signal(int sig, ucontext_t* uc) override;
  void on_throw(const char* message) override;
  void on_break(unsigned index, ucontext_t* uc) override;
  bool on_step(ucontext_t* uc) override;

  void on_fault(int sig, siginfo_t* info, ucontext_t* uc);
  [[noreturn]] void leave(End end);

 private:
  enum class Mode : std::uint8_t { idle, trial, tracing, bench };

  std::uint64_t slot_value(unsigned i) const;
  std::string install_handlers();
  void begin(const Plan& plan);
  void finish();
  void arm_all();
  void check_registers();
  void check_rest();
  void check_mask_and_stack();
  void check_slots_at_throw();
  void send(const PlannedInjection& injection, ucontext_t* uc);
  void protect_slots(bool hidden);
  bool record_access(siginfo_t* info, ucontext_t* uc);
  void hand_back(int sig, siginfo_t* info, ucontext_t* uc);
  static void run_site(void* self);

  Subject* subject_ = nullptr;
  // What the subject says of itself and never changes.
  unsigned word_bits_ = 0, slot_count_ = 0;
  const void* slot_cells_[kMaxSlots] = {};
  Plan plan_;
  Observation seen_;
  Mode mode_ = Mode::idle;
  volatile std::uint64_t* serial_ = nullptr;
  std::uint64_t trials_ = 0;
  Containment containment_{};
  Probe probe_{};
  bool ended_ = false;         // the operation came back
  bool checked_rest_ = false;  // the state at rest was compared
  unsigned in_handler_ = 0;
  unsigned current_ = 0;  // the injection whose handler runs
  bool real_throw_ = false;
  void (*sabotage_)(ucontext_t* uc) = nullptr;
  bool have_rest_ = false;
  Snapshot rest_;          // the state after an operation with nothing injected
  Snapshot live_, state_;  // at the entry of the handler
  std::uint64_t slots_at_entry_[kMaxSlots] = {};
  ucontext_t landed_context_{};
  std::uint64_t slots_at_landing_[kMaxSlots] = {};
  std::uint64_t normal_mask_ = 0;
  stack_t normal_stack_{};
  std::vector<Step> steps_;  // capacity reserved: filled in signal context
  std::vector<Access> accesses_;
  std::size_t step_count_ = 0, access_count_ = 0;
  bool hidden_ = false;               // the slots' pages are inaccessible
  struct sigaction before_[65] = {};  // what handled the faults before us
};

EngineImpl engine;

void fault_entry(int sig, siginfo_t* info, void* context) {
  engine.on_fault(sig, info, static_cast<ucontext_t*>(context));
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
  plan_ = plan;
  seen_ = Observation{};
  seen_.requested = plan.injections;
  std::copy(std::begin(plan.in), std::end(plan.in), std::begin(seen_.op.in));
  ended_ = checked_rest_ = false;
  in_handler_ = 0;
  current_ = 0;
  subject_->reset(plan.protocol);
  trials_++;
  *serial_ = trials_;
}

void EngineImpl::run_site(void* self) {
  auto* e = static_cast<EngineImpl*>(self);
  e->subject_->run(e->plan_.protocol, e->plan_.site, &e->seen_.op);
}

void EngineImpl::operation(void (*fn)(void*), void* arg) {
  for (unsigned i = 0; i < inject::kKept; i++) probe_.kept_before[i] = mix(trials_ + i);
  for (unsigned i = 0; i < 2; i++) probe_.control_before[i] = inject::kControlProbe[i];
  errno = kErrno;
  arm_all();  // not before: what leads here may run the same code
  inject::probe_call(&probe_, fn, arg);
  ended_ = true;
  if (mode_ == Mode::trial) inject::disarm_all();
  check_registers();
  if (seen_.entered != seen_.exited) leave(End::stopped);
}

void EngineImpl::arm_all() {
  if (mode_ == Mode::tracing) {
    inject::arm(0, reinterpret_cast<std::uint64_t>(subject_->entry(plan_.protocol, plan_.site)), 1);
  }
  for (unsigned i = 0; i < plan_.injections; i++) {
    const PlannedInjection& injection = plan_.injection[i];
    if (injection.source != Source::external) inject::arm(i, injection.pc, injection.nth);
  }
}

void EngineImpl::check_registers() {
  if (errno != kErrno) seen_.leaked = "errno";
  for (unsigned i = 0; i < inject::kKept; i++) {
    if (probe_.kept_after[i] != probe_.kept_before[i]) seen_.leaked = inject::kKeptNames[i];
  }
  for (unsigned i = 0; i < 2; i++) {
    if (probe_.control_after[i] != probe_.control_before[i])
      seen_.leaked = inject::kControlNames[i];
  }
  if (const char* flag = inject::flags_problem(probe_)) seen_.leaked = flag;
  if (probe_.sp_after != probe_.sp_before)
    seen_.misplaced = "the operation returned with another SP";
  if (probe_.fp_after != probe_.fp_before) seen_.leaked = "frame pointer";
  check_rest();
}

// Once a trial: at the end of the operation, or, if that never came back, of the run.
void EngineImpl::check_rest() {
  if (checked_rest_) return;
  checked_rest_ = true;
  if (have_rest_) {
    if (rest_.differs()) seen_.leaked = "the subject's state (g, curg, sched)";
    return;
  }
  Region regions[Snapshot::kMaxRegions];
  rest_.take(regions, subject_->rest_regions(regions));
}

void EngineImpl::on_break(unsigned index, ucontext_t* uc) {
  if (mode_ == Mode::tracing) {
    inject::start_stepping(uc);
    on_step(uc);
    return;
  }
  if (mode_ == Mode::bench) {  // the trap's handler is the signal's
    on_signal(SIGTRAP, uc);
    return;
  }
  seen_.hits++;
  if (seen_.hits == 1) {
    inject::raw_copy(&landed_context_.uc_mcontext.gregs, &uc->uc_mcontext.gregs,
                     sizeof uc->uc_mcontext.gregs);
  }
  current_ = index;
  send(plan_.injection[index], uc);
}

void EngineImpl::send(const PlannedInjection& injection, ucontext_t* uc) {
  if (injection.source == Source::direct) {
    static siginfo_t info;
    info.si_signo = injection.signal;
    subject_->signal_entry()(injection.signal, &info, uc);
    return;
  }
  inject::make_pending(injection.source, injection.signal);
}

void EngineImpl::on_signal(int sig, ucontext_t* uc) {
  if (mode_ == Mode::bench) {
    seen_.landed++;
    return;
  }
  const PlannedInjection& injection = plan_.injection[current_];
  if (injection.source == Source::external && inject::context_pc(uc) == injection.pc) seen_.hits++;
  if (mode_ != Mode::trial || seen_.landed >= seen_.hits) return;  // nobody asked for this one
  if (inject::context_pc(uc) != injection.pc || sig != injection.signal) {
    seen_.misplaced = "a signal arrived elsewhere than it was sent to";
    return;
  }
  seen_.landed++;
  seen_.entered++;
  Region regions[Snapshot::kMaxRegions];
  const std::uint64_t sp = inject::context_sp(uc);
  if (subject_->stack_of(sp) == 0) seen_.misplaced = "SP was in none of the stacks";
  live_.take(regions, subject_->live_regions(sp - inject::kRedZone, regions));
  state_.take(regions, subject_->state_regions(regions));
  for (unsigned i = 0; i < kMaxSlots; i++) slots_at_entry_[i] = slot_value(i);
  std::copy(std::begin(slots_at_entry_), std::end(slots_at_entry_), std::begin(slots_at_landing_));
  if (injection.handler != kNoHandler) {
    seen_.handler_called = true;
    std::copy(std::begin(injection.in), std::end(injection.in), std::begin(seen_.handler.in));
    in_handler_++;
    subject_->handle(plan_.protocol, injection.handler, &seen_.handler);
    in_handler_--;
  }
  if (sabotage_ != nullptr) sabotage_(uc);
  if (subject_->protocols()[plan_.protocol].keeps_slots) {
    for (unsigned i = 0; i < kMaxSlots; i++) {
      if (slot_value(i) != slots_at_entry_[i]) seen_.slots_changed |= SlotMask{1} << i;
    }
  }
  errno = kErrno + 1;  // a handler may; whoever entered it puts the old value back
  seen_.exited++;
  if (live_.differs()) seen_.smashed = true;
}

// Between the call of a stub in the handler and the throw only the slots may have changed, and
// those only by the handler's own arguments.
void EngineImpl::check_slots_at_throw() {
  const Protocol& protocol = subject_->protocols()[plan_.protocol];
  const unsigned handler = plan_.injection[current_].handler;
  const SlotMask passed =
      protocol.slots_in_handler && handler != kNoHandler ? subject_->sites()[handler].in : 0;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    const bool given = (passed >> i & 1) != 0;
    if (slot_value(i) != (given ? seen_.handler.in[i] : slots_at_entry_[i])) {
      seen_.changed_before_throw = true;
    }
  }
}

void EngineImpl::on_throw(const char* message) {
  if (real_throw_ || (mode_ != Mode::trial && mode_ != Mode::tracing)) return;
  seen_.message = message;
  seen_.thrown_in_handler = in_handler_ > 0;
  if (in_handler_ > 0) {
    check_slots_at_throw();
    if (live_.differs() || state_.differs()) seen_.changed_before_throw = true;
  }
  leave(End::thrown);
}

void EngineImpl::leave(End end) {
  seen_.end = end;
  if (mode_ == Mode::idle || *serial_ == 0) _exit(3);  // there is nothing to return to
  inject::contain_leave(&containment_, 1);
}

void EngineImpl::on_fault(int sig, siginfo_t* info, ucontext_t* uc) {
  if (mode_ == Mode::tracing && sig == SIGSEGV && record_access(info, uc)) return;
  // Only a fault that an injection may have caused is contained: any other would come again for
  // ever.
  if (mode_ != Mode::trial || seen_.hits == 0 || *serial_ == 0) {
    hand_back(sig, info, uc);
    return;
  }
  seen_.fault_signal = sig;
  seen_.fault_pc = inject::context_pc(uc);
  seen_.fault_address = reinterpret_cast<std::uint64_t>(info->si_addr);
  leave(End::faulted);
}

void EngineImpl::hand_back(int sig, siginfo_t* info, ucontext_t* uc) {
  char text[160];
  const int n = std::snprintf(
      text, sizeof text, "runner: signal %d at pc=0x%llx address=%p with no injection behind it\n",
      sig, static_cast<unsigned long long>(inject::context_pc(uc)), info->si_addr);
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(n)) < 0) _exit(3);
  sigaction(sig, &before_[sig], nullptr);  // and whoever was there before has it
  inject::disarm_all();
  // Back to the faulting instruction, which faults once more; unless somebody sent the signal.
  if (info->si_code <= 0) raise(sig);
}

// After the trial, on the engine's own stack again.
void EngineImpl::finish() {
  *serial_ = 0;
  inject::disarm_all();
  if (seen_.end != End::finished) inject::unpoison_stacks(*subject_);
  check_mask_and_stack();
  for (unsigned i = 0; i < plan_.injections; i++) {
    if (plan_.injection[i].source != Source::direct && seen_.entered < seen_.hits) {
      inject::discard_pending(plan_.injection[i].signal);
    }
  }
  if (seen_.end == End::finished) check_rest();
  for (unsigned i = 0; i < kMaxSlots; i++) {
    if (slot_value(i) != 0) seen_.slots_left |= SlotMask{1} << i;
  }
}

void EngineImpl::check_mask_and_stack() {
  std::uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &normal_mask_, &mask, kKernelSigset);
  stack_t stack{};
  syscall(SYS_sigaltstack, nullptr, &stack);
  const bool to_its_end = seen_.end == End::finished || seen_.end == End::stopped;
  if (mask != normal_mask_ && to_its_end) seen_.leaked = "signal mask";
  if (stack.ss_sp != normal_stack_.ss_sp || stack.ss_size != normal_stack_.ss_size) {
    if (to_its_end) seen_.leaked = "alternate stack";
    syscall(SYS_sigaltstack, &normal_stack_, nullptr);
  }
}

const Observation& EngineImpl::run(const Plan& plan) {
  mode_ = Mode::trial;
  begin(plan);
  inject::contain_call(&containment_, run_site, this);
  finish();
  mode_ = Mode::idle;
  return seen_;
}

Judgement EngineImpl::judge_last() const {
  const auto sites = subject_->sites();
  const unsigned handler = plan_.injections > 0 ? plan_.injection[0].handler : kNoHandler;
  return judge(*subject_, subject_->protocols()[plan_.protocol], sites[plan_.site],
               handler == kNoHandler ? nullptr : &sites[handler], seen_);
}

Judgement EngineImpl::baseline(unsigned protocol, unsigned site, std::uint64_t seed) {
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, word_bits_, plan.in);
  have_rest_ = false;
  run(plan);
  have_rest_ = true;
  return judge_last();
}

// ---- tracing

std::uint64_t EngineImpl::slot_value(unsigned i) const {
  if (i >= slot_count_) return 0;
  if (word_bits_ == 32) return *static_cast<const volatile std::uint32_t*>(slot_cells_[i]);
  return *static_cast<const volatile std::uint64_t*>(slot_cells_[i]);
}

void EngineImpl::protect_slots(bool hidden) {
  const Region pages = subject_->slot_pages();
  if (pages.size == 0) return;
  mprotect(const_cast<void*>(pages.at), pages.size, hidden ? PROT_NONE : PROT_READ | PROT_WRITE);
  hidden_ = hidden;
}

bool EngineImpl::on_step(ucontext_t* uc) {
  protect_slots(false);
  if (ended_ || *serial_ == 0 || step_count_ == kMaxSteps) return false;
  const std::uint64_t pc = inject::context_pc(uc);
  const auto code = reinterpret_cast<std::uint64_t>(subject_->code().at);
  if (pc >= code && pc < code + subject_->code().size) {
    Step& step = steps_[step_count_++];
    step = Step{};
    step.pc = pc;
    step.sp = inject::context_sp(uc);
    subject_->describe(step.sp, step.state, sizeof step.state - 1);
  }
  protect_slots(true);
  return true;
}

// The access that has just faulted: noted, let through, and hidden again at the next step.
bool EngineImpl::record_access(siginfo_t* info, ucontext_t* uc) {
  const Region pages = subject_->slot_pages();
  const auto address = reinterpret_cast<std::uint64_t>(info->si_addr);
  const auto begin = reinterpret_cast<std::uint64_t>(pages.at);
  if (!hidden_ || address < begin || address >= begin + pages.size) return false;
  protect_slots(false);
  for (unsigned i = 0; i < slot_count_; i++) {
    if (address != reinterpret_cast<std::uint64_t>(subject_->slot_address(i))) continue;
    if (access_count_ < kMaxSteps && step_count_ > 0) {
      accesses_[access_count_++] = Access{static_cast<std::uint32_t>(step_count_ - 1),
                                          static_cast<std::uint8_t>(i), inject::fault_is_write(uc)};
    }
  }
  return true;
}

std::string EngineImpl::trace(unsigned protocol, unsigned site, std::uint64_t seed, Trace* out) {
  steps_.resize(kMaxSteps);
  accesses_.resize(kMaxSteps);
  step_count_ = access_count_ = 0;
  Plan plan;
  plan.protocol = protocol;
  plan.site = site;
  draw_nonces(seed, 0, word_bits_, plan.in);
  mode_ = Mode::tracing;
  begin(plan);
  inject::contain_call(&containment_, run_site, this);
  *serial_ = 0;  // the next step, if one is under way, is the last
  protect_slots(false);
  finish();
  mode_ = Mode::idle;
  if (step_count_ == 0) return "the operation was never entered";
  if (step_count_ == kMaxSteps) return "the operation has too many instructions";
  return build_trace(*subject_, {steps_.begin(), steps_.begin() + static_cast<long>(step_count_)},
                     {accesses_.begin(), accesses_.begin() + static_cast<long>(access_count_)},
                     out);
}

// ---- benchmarks

namespace bench {
// One instruction to break at, in injectable code, and nothing else.
extern "C" __attribute__((section("switch_text"), noinline)) void bench_target() {
  asm volatile("nop");
}

double now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

void floor_entry(int, siginfo_t*, void*) {}
}  // namespace bench

double EngineImpl::time_floor(std::uint64_t rounds) {
  struct sigaction bare {
  }, ours{};
  sigaction(SIGTRAP, nullptr, &ours);
  bare = ours;
  bare.sa_sigaction = bench::floor_entry;
  sigaction(SIGTRAP, &bare, nullptr);
  const double start = bench::now_ns();
  for (std::uint64_t i = 0; i < rounds; i++) inject::standing_break();
  const double end = bench::now_ns();
  sigaction(SIGTRAP, &ours, nullptr);
  return (end - start) / static_cast<double>(rounds);
}

double EngineImpl::time_direct(std::uint64_t rounds) {
  mode_ = Mode::bench;
  seen_ = Observation{};
  const auto target = reinterpret_cast<std::uint64_t>(&bench::bench_target);
  const double start = bench::now_ns();
  for (std::uint64_t i = 0; i < rounds; i++) {
    inject::arm(0, target, 1);
    bench::bench_target();
  }
  const double end = bench::now_ns();
  mode_ = Mode::idle;
  if (seen_.landed != rounds) return -1;
  return (end - start) / static_cast<double>(rounds);
}

// ---- a trial in a child that throws for real

Forked EngineImpl::run_forked(const Plan& plan) {
  return run_in_child([&] {
    // The child dies in its trial, and the parent's watchdog must not take that trial for its own.
    static volatile std::uint64_t own_serial = 0;
    serial_ = &own_serial;
    real_throw_ = true;
    run(plan);
  });
}

// ---- taking over the process

std::string EngineImpl::install_handlers() {
  struct sigaction sa {};
  sa.sa_sigaction = fault_entry;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigfillset(&sa.sa_mask);
  for (int s : kFaults) sigdelset(&sa.sa_mask, s);
  sigdelset(&sa.sa_mask, SIGTRAP);
  for (int s : kFaults) {
    if (sigaction(s, &sa, &before_[s]) != 0)
      return "a handler for faults: " + std::string(strerror(errno));
  }
  return {};
}

std::string EngineImpl::attach(volatile std::uint64_t* serial, bool patches) {
  subject_ = &subject();
  serial_ = serial;
  word_bits_ = subject_->word_bits();
  slot_count_ = static_cast<unsigned>(subject_->slots().size());
  for (unsigned i = 0; i < slot_count_; i++) slot_cells_[i] = subject_->slot_address(i);
  int signals[std::size(kSignals)];
  for (unsigned i = 0; i < std::size(kSignals); i++) signals[i] = *signal_number(kSignals[i]);
  subject_->install(signals, this);
  std::string problem = install_handlers();
  if (problem.empty() && patches) problem = inject::attach(subject_->code(), this);
  if (problem.empty()) problem = inject::start_watchdog(serial_, kTimeLimit, time_up);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, nullptr, &normal_mask_, kKernelSigset);
  syscall(SYS_sigaltstack, nullptr, &normal_stack_);
  return problem;
}

}  // namespace

// ---- the public face

Engine& Engine::get() {
  return engine;
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
