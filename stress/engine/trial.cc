// The events of a trial, in the order of time.
#include "stress/engine/trial.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "stress/base/harmless.h"
#include "stress/engine/arming.h"
#include "stress/engine/checks.h"
#include "stress/engine/kept_frames.h"
#include "stress/trap/hwbreak.h"
#include "stress/trap/sanitizer.h"
#include "stress/trap/sources.h"
#include "stress/unwind/unwind.h"

// A debugger stops here to arm its own breakpoints: passes count from here.
extern "C" __attribute__((noinline)) void operation_starts() {
  asm volatile("");
}
// Here it may look again for breakpoints that count only the operation's own passes.
extern "C" __attribute__((noinline)) void handler_ends() {
  asm volatile("");
}

namespace sigsweep {
namespace {

constexpr unsigned kEntryBreak = kMaxInjections;  // where a recording starts

Trial* in_probe = nullptr;  // probe_call runs its operation: the callback takes no argument

void probe_over() {
  in_probe->operation_over();
}

}  // namespace

Trial::Trial(Subject& subject, const CodeRanges& code, Surroundings& around, Strays& strays,
             FaultHandlers& faults, Observation* seen, FirstLanding* first)
    : subject_(subject),
      code_(code),
      slots_(subject),
      around_(around),
      strays_(strays),
      faults_(faults),
      seen_(seen),
      landings_(first) {
  const Region& stack = around.stack.region();
  asm_.containment.stack = as_address(stack.at) + stack.size;
  asm_.probe.over = probe_over;
}

void Trial::run(const Plan& plan) {
  begin(plan);
  trap::contain_call(&asm_.containment, run_site, this);
  finish();
  now_.runs = false;
}

void Trial::walk(const Plan& plan, Recorder* recorder) {
  recorder_ = recorder;
  begin(plan);
  trap::contain_call(&asm_.containment, run_site, this);
  *conditions_.serial = 0;  // a step under way is the last one
  recorder->show();
  finish();
  now_.runs = false;
  recorder_ = nullptr;
}

void Trial::begin(const Plan& plan) {
  plan_.protocol = plan.protocol;
  plan_.site = plan.site;
  plan_.injections = plan.injections;
  std::copy(plan.injection, plan.injection + plan.injections, plan_.injection);
  protocol_ = &subject_.protocols()[plan.protocol];
  now_ = Progress{.runs = true, .means = means_of(plan)};
  seen_->begin(plan.injections);
  std::copy(std::begin(plan.in), std::end(plan.in), std::begin(seen_->op.in));
  seen_->op.inner = &seen_->op_inner;
  now_.in_operation = traps_wanted(false);
  now_.in_handler = traps_wanted(true);
  trap::want_traps(now_.in_operation);
  landings_.begin();
  around_.rests.put_back();
  around_.rests.begin(plan.protocol, plan.site);
  subject_.reset(plan.protocol);
  subject_.scrub(0);
  *conditions_.serial = ++count_;
}

// A trap that is the signal itself must land where the protocol's signals do. A trap that only
// passes by must not disturb frames: neither a handler's on the alternate stack, nor those on the
// interrupted stack while the operation runs.
trap::TrapWanted Trial::traps_wanted(bool in_handler) const {
  const bool own = protocol().own_stack, records = recorder_ != nullptr;
  const bool stay = conditions_.traps_stay;
  const bool masking = records || !now_.means.all_by_trap || strays_.are_expected();
  return {.own_handed_on = (own && !records && now_.means.some_by_trap) || stay,
          .own_passing = (in_handler && !own) || stay,
          .masking = masking,
          .doors = now_.means.all_by_user && !masking && !subject_.changes_mask(),
          .paint = records ? nullptr : &around_.paint,
          .red_zone = left_alone(plan_, conditions_.red_zone)};
}

void Trial::run_site(void* self) {
  auto* t = static_cast<Trial*>(self);
  t->subject_.run(t->plan_.protocol, t->plan_.site, &t->seen_->op);
}

void Trial::operation(void (*fn)(void*), void* arg) {
  trap::Probe& probe = asm_.probe;
  for (unsigned i = 0; i < trap::kKept; i++) probe.kept_before[i] = harmless(mixed(count_ + i));
  std::copy(std::begin(trap::kControlProbe), std::end(trap::kControlProbe), probe.control_before);
  errno = kErrno;
  // Not earlier: the code on the way here may run the same instructions.
  if (recorder_ != nullptr && !recorder_->is_of_handler()) {
    trap::arm(kEntryBreak, as_address(subject_.entry(plan_.protocol, plan_.site)), 1);
  }
  arm_operation(plan_);
  if (!conditions_.patches && !around_.rests.is_learning()) operation_starts();
  if (conditions_.stepped) trap::standing_break();
  now_.started = true;
  in_probe = this;
  trap::probe_call(&probe, fn, arg);
}

// The harness's own frames were in use, too: nothing may return into frames that were overwritten.
void Trial::operation_over() {
  const int error = errno;
  if (conditions_.stepped) trap::standing_break();
  now_.ended = true;
  if (recorder_ == nullptr) trap::disarm_all();
  check_registers(asm_.probe, error).add_to(seen_);
  compare_rest(&around_.rests, seen_);
  if (seen_->entered != seen_->exited || seen_->smashed) leave(End::stopped);
}

// ---- a signal, from its boundary to its handler's end

void Trial::on_break(unsigned index, ucontext_t* uc) {
  if (index >= kMaxInjections) {  // of a recording
    trap::start_stepping(uc);
    on_step(uc);
    return;
  }
  const int parent = plan_.injection[index].parent;
  if (parent != kNoParent && is_over(static_cast<unsigned>(parent), uc)) return;
  if (is_masked(index, uc)) {
    seen_->masked++;
    return;
  }
  reached(index, uc);
  send(index, uc);
}

// The code under test keeps this signal away here: none can land. A handler's mask does not count,
// because a nested signal is meant to come in spite of it.
bool Trial::is_masked(unsigned index, const ucontext_t* uc) const {
  const PlannedInjection& injection = plan_.injection[index];
  return subject_.may_mask_signals() && injection.parent == kNoParent &&
         sigismember(&uc->uc_sigmask, injection.signal) == 1;
}

bool Trial::on_step(ucontext_t* uc) {
  if (*conditions_.serial == 0) {
    recorder_->show();
    return false;
  }
  return recorder_->step(uc, recorder_->is_of_handler() ? seen_->exited != 0 : now_.ended);
}

// The boundary of a nested injection lies in code that the operation runs, too. Passes after the
// end of the handler do not count. The handler's way out of its own stack still belongs to it.
bool Trial::is_over(unsigned injection, const ucontext_t* uc) const {
  if (!seen_->has_exited(injection)) return false;
  const std::uint64_t sp = trap::context_sp(uc);
  if (protocol().own_stack) {
    const std::uint64_t interrupted = landings_[injection].sp;
    return sp >= interrupted || subject_.stack_of(sp) != subject_.stack_of(interrupted);
  }
  const Region stack = subject_.alternate_stack();
  const auto lowest = as_address(stack.at);
  return sp < lowest || sp > lowest + stack.size;
}

void Trial::reached(unsigned index, ucontext_t* uc) {
  seen_->hits++;
  if (trap::is_by_door()) seen_->by_door++;
  landings_.reached(index);
  Landing& landing = landings_[index];
  landing.sp = trap::context_sp(uc);
  landing.running = subject_.running();
  Region in_use[kMaxRegions];
  landing.live.take(
      in_use, live_where_landed(subject_, plan_, landings_, index, conditions_.red_zone, in_use));
  if (seen_->hits == 1) {
    FirstLanding& first = landings_.first();
    raw_copy(&first.context.uc_mcontext, &uc->uc_mcontext, sizeof uc->uc_mcontext);
    slots_.copy(first.slots);
    if (!subject_.changes_mask()) around_.thread.note(uc);  // as the trial before left it
  }
  trap::want_traps(now_.in_handler);
  arm_handler(plan_, index);
  // As in a runtime that lets signals nest; the handler's own return puts its mask back.
  if (plan_.injection[index].parent != kNoParent) {
    sigdelset(&uc->uc_sigmask, plan_.injection[index].signal);
  }
}

void Trial::send(unsigned index, ucontext_t* uc) {
  const PlannedInjection& injection = plan_.injection[index];
  if (recorder_ != nullptr) {
    trap::arm(kEntryBreak, as_address(subject_.signal_entry()), 1);
  }
  if (!trap::is_the_trap(injection.source)) {
    trap::make_pending(injection.source, injection.signal);
    return;
  }
  static siginfo_t info;
  trap::EntryFound found;
  info.si_signo = injection.signal;
  const trap::Controls before = trap::read_controls();
  trap::entry_call(subject_.signal_entry(), injection.signal, &info, uc, &found);
  if (const char* problem = trap::entry_problem(found)) seen_->leaked = problem;
  check_controls(subject_, before, found.control, trap::kControlLost).add_to(seen_);
  // Compares after the way back, which may write, too.
  if (recorder_ == nullptr) note_smashed(landings_[index], seen_);
}

void Trial::on_signal(int sig, ucontext_t* uc) {
  const std::uint64_t flags = trap::flags_at_entry();
  if (!now_.runs) return;
  if (conditions_.frame_pad != 0) {  // acts as a larger kernel frame
    auto* pad = static_cast<volatile char*>(__builtin_alloca(conditions_.frame_pad));
    *pad = 1;
  }
  if (sig == stray_signal()) {
    if (const char* problem = strays_.land(subject_, plan_.protocol, slots_)) {
      seen_->misplaced = problem;
    }
    errno = kErrno + 1;
    return;
  }
  take_from_outside(uc);
  if (!landings_.is_any_arriving()) return;  // no injection sent this one
  const unsigned index = landings_.take_arriving();
  const PlannedInjection& injection = plan_.injection[index];
  if (trap::context_pc(uc) != injection.pc || sig != injection.signal) {
    seen_->misplaced = "a signal arrived elsewhere than it was sent to";
    return;
  }
  seen_->landed++;
  seen_->entered |= std::uint32_t{1} << index;
  if (recorder_ != nullptr) {
    handle_recorded(index, uc);
  } else {
    handle(index, uc, as_address(__builtin_frame_address(0)), flags);
  }
  asm volatile("");  // so that no call above is a jump: this frame, and the pad, stay until here
}

// A signal that another process sent at a boundary of the plan.
void Trial::take_from_outside(ucontext_t* uc) {
  for (unsigned i = 0; i < plan_.injections; i++) {
    const PlannedInjection& injection = plan_.injection[i];
    if (injection.is_external() && !seen_->has_entered(i) && trap::context_pc(uc) == injection.pc) {
      reached(i, uc);
      return;
    }
  }
}

void Trial::handle_recorded(unsigned index, ucontext_t* uc) {
  const auto call = [this, index, uc] {
    recorder_->show();
    trap::resume_stepping();
    call_handler(index, uc);
    trap::stop_stepping();
  };
  if (conditions_.traps_stay) {
    call();
  } else {
    void* const room = __builtin_alloca(conditions_.least_frame + kTrapNeeds);
    with_frames_kept(subject_.alternate_stack(), as_address(room), call);
  }
  if (conditions_.sabotage != nullptr) conditions_.sabotage(uc);
  seen_->exited |= std::uint32_t{1} << index;
}

void Trial::handle(unsigned index, ucontext_t* uc, std::uint64_t frame, std::uint64_t flags) {
  const PlannedInjection& injection = plan_.injection[index];
  Landing& landing = landings_[index];
  const std::uint64_t sp = trap::context_sp(uc);
  check_entry(frame, flags).add_to(seen_);
  // The interrupted party shows only before the signal's entry.
  if (!injection.is_external() && subject_.interrupted() != landing.running) {
    seen_->misplaced = "the handler was told that something else was interrupted";
  }
  if (const char* where = check_stack(subject_, protocol(), landing.sp, frame)) {
    seen_->misplaced = where;
  }
  // A signal that began a stack anew has destroyed the frames in use there: going on could do
  // anything.
  if (lies_in(landing.live.regions(), frame)) {
    seen_->misplaced = "the handler's frame lies on frames in use";
    leave(End::stopped);
  }
  Region regions[kMaxRegions];
  if (protocol().must_reject) landing.state.take(regions, subject_.state_regions(regions));
  slots_.copy(landing.slots);
  call_handler(index, uc);
  if (conditions_.sabotage != nullptr) conditions_.sabotage(uc);
  if (protocol().keeps_slots) seen_->slots_changed |= slots_.changed(landing.slots);
  if (!conditions_.patches) handler_ends();
  errno = kErrno + 1;  // a handler may; the code that entered it restores errno
  seen_->exited |= std::uint32_t{1} << index;
  note_smashed(landing, seen_);
  if (injection.parent == kNoParent) subject_.scrub(sp);
  trap::want_traps(injection.parent != kNoParent ? now_.in_handler : now_.in_operation);
  disarm_handler(plan_, index, *seen_);
}

// The handler's own call, if it makes one. The unwinder's own way is not recorded: it runs through
// no injectable code.
void Trial::call_handler(unsigned index, const ucontext_t* uc) {
  const PlannedInjection& injection = plan_.injection[index];
  if (injection.handler == kObserve && recorder_ == nullptr) take_backtrace(uc);
  if (!calls_subject(injection.handler)) return;
  Call& call = seen_->handler[index];
  std::copy(std::begin(injection.in), std::end(injection.in), std::begin(call.in));
  call.inner = &seen_->handler_inner[index];
  const int outer = std::exchange(now_.calling, static_cast<int>(index));
  const trap::Controls before = trap::read_controls();
  subject_.handle(plan_.protocol, injection.handler, &call);
  check_controls(subject_, before, trap::read_controls(), trap::kControlChanged).add_to(seen_);
  now_.calling = outer;
}

// An earlier one that fails stays.
void Trial::take_backtrace(const ucontext_t* uc) {
  seen_->unwinding = true;
  const Backtrace taken = unwind::take(uc, subject_, asm_.probe);
  seen_->unwinding = false;
  if (!seen_->backtrace.fails()) seen_->backtrace = taken;
}

// Only within an operation and in injectable code: there the subject expects signals, and neither
// the engine nor the breakpoints are in the middle of their own work.
void Trial::on_stray_entry(siginfo_t* info, ucontext_t* uc) {
  strays_.saw_one();
  if (!is_contained() || recorder_ != nullptr || !now_.started || now_.ended) return;
  if (!code_.contains(trap::context_pc(uc))) return;
  const std::uint32_t suspended = trap::suspend_all();
  subject_.signal_entry()(info->si_signo, info, uc);
  trap::resume_all(suspended);
}

// ---- an early end

void Trial::on_throw(const char* message) {
  if (!now_.runs) return;
  seen_->message = message;
  seen_->thrown_in_handler = now_.calling != kNoParent;
  if (seen_->thrown_in_handler && recorder_ == nullptr && protocol().must_reject) {
    const auto index = static_cast<unsigned>(now_.calling);
    const Landing& landing = landings_[index];
    const SlotMask passed =
        protocol().slots_in_handler ? subject_.sites()[plan_.injection[index].handler].in : 0;
    if (!kept_slots_until_throw(slots_, landing, passed, seen_->handler[index]) ||
        landing.live.differs() || landing.state.differs()) {
      note_changed_before_throw(landing, seen_);
    }
  }
  if (!conditions_.in_child) leave(End::thrown);
  seen_->end = End::thrown;
  close_arrivals();
  observe_end();  // and the throw goes on for real
}

void Trial::leave(End end) {
  seen_->end = end;
  // There is no frame to return to; or the trial has damaged the harness, so that returning fails.
  if (!is_contained() || std::exchange(now_.left, true)) _exit(3);
  trap::contain_leave(&asm_.containment, 1);
}

void Trial::on_fault(int sig, siginfo_t* info, ucontext_t* uc) {
  if (recorder_ != nullptr && sig == SIGSEGV && recorder_->take_access(info, uc)) return;
  if (now_.runs && recorder_ == nullptr && sig == SIGSEGV) note_undelivered(uc);
  // Only a fault that an injection may have caused is contained: any other would come again for
  // ever.
  if (!is_contained() || seen_->hits == 0) {
    hand_back(sig, info, uc);
    return;
  }
  seen_->fault_signal = sig;
  seen_->fault_pc = trap::code_of(trap::context_pc(uc));
  seen_->fault_address = as_address(info->si_addr);
  if (!conditions_.in_child) leave(End::faulted);
  seen_->end = End::faulted;
  close_arrivals();
  hand_back(sig, info, uc);
}

void Trial::on_sanitizer_report() {
  if (is_contained() && !conditions_.in_child && seen_->hits > 0) leave(End::faulted);
}

// The kernel raises SIGSEGV if it can't write a signal's frame: SP points nowhere. Even so, the
// signal has struck at its boundary.
void Trial::note_undelivered(const ucontext_t* uc) {
  const bool trap = trap::is_undelivered_trap(uc);
  const bool sent = landings_.is_any_arriving() &&
                    trap::context_pc(uc) == plan_.injection[landings_.next_arriving()].pc;
  if (!trap && !sent) return;
  if (trap) {
    seen_->hits++;
    seen_->landed++;
  }
  seen_->misplaced = kNoStack;
}

void Trial::hand_back(int sig, siginfo_t* info, ucontext_t* uc) {
  const bool own_end = conditions_.in_child && seen_->hits > 0;
  if (!own_end) print_fault(sig, info, uc);
  faults_.give_back(sig);
  if (own_end) return;
  trap::disarm_all();
  // Back to the faulting instruction, which faults again. A signal that was sent must be raised.
  if (info->si_code <= 0) raise(sig);
}

// ---- after the trial, on the engine's own stack again

void Trial::finish() {
  *conditions_.serial = 0;
  trap::disarm_all();
  trap::disarm_hwbreaks();
  const bool finished = seen_->end == End::finished;
  const bool whole = finished && seen_->entered == seen_->exited;
  if (!whole) around_.unpoison_stacks();
  around_.rests.note_astray(!whole || seen_->misplaced != nullptr || seen_->leaked != nullptr ||
                            seen_->smashed);
  // An abandoned handler leaves a mask behind only if it masks; the handlers of faults and of the
  // watchdog do.
  const bool by_own_handler = seen_->end == End::faulted || seen_->end == End::timed_out;
  const bool kept = finished || (!by_own_handler && now_.means.all_by_trap);
  close_arrivals();  // before the mask is put back: pending signals would come then
  if (!conditions_.lazy || !kept || seen_->hits == 0) {
    const bool to_its_end = finished || seen_->end == End::stopped;
    if (const char* what = around_.thread.restore_after(to_its_end)) seen_->leaked = what;
  }
  if (finished) {
    compare_rest(&around_.rests, seen_);
    if (seen_->op.returns > 0 && seen_->op.fn_runs > 0 && seen_->leaked == nullptr) {
      seen_->leaked = subject_.check_state(plan_.site, seen_->op);
    }
  }
  observe_end();
}

// Sorts the signals that were sent and whose handlers never began: some have struck, others wait.
void Trial::close_arrivals() {
  while (landings_.is_any_arriving()) {
    const unsigned index = landings_.take_arriving();
    const PlannedInjection& injection = plan_.injection[index];
    const bool can_wait = !trap::is_the_trap(injection.source);
    if (can_wait && trap::discard_pending(injection.signal)) {
      // A trial that came back must not leave a mask: then this signal is lost.
      if (seen_->end != End::finished) seen_->waited++;
    } else if (has_struck(index)) {
      seen_->landed++;
    }
  }
}

// A signal was sent, is not pending, and its handler never began. Has it reached its boundary all
// the same? Yes if another signal interrupted it on its way, or if the trial has ended there.
bool Trial::has_struck(unsigned index) const {
  if (trap::is_the_trap(plan_.injection[index].source)) return true;  // the hit was the signal
  if (seen_->end != End::finished && seen_->end != End::stopped) return true;
  for (unsigned i = 0; i < plan_.injections; i++) {
    const bool nested = plan_.injection[i].parent == static_cast<int>(index);
    if (nested && landings_.has_reached(i)) return true;
  }
  return false;
}

void Trial::observe_end() {
  constexpr std::uint64_t kZero[kMaxSlots] = {};
  seen_->slots_left = slots_.changed(kZero);
}

}  // namespace sigsweep
