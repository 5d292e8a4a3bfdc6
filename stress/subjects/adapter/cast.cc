// Bodies, and the calls of the library. Never instrumented: it runs on stacks that a sanitizer does
// not know.
#include "stress/subjects/adapter/cast.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "stress/base/harmless.h"

namespace sigsweep::adapter {
namespace {

using Switch = void* (*)(void*, void*, void*);

// A third argument, which the callee does not look at, does no harm in either calling convention.
Switch as_switch(void* (*fn)(void*, void*)) {
  return reinterpret_cast<Switch>(reinterpret_cast<void (*)()>(fn));
}

constexpr std::size_t kStackSize = 64 * 1024;  // bytes
constexpr int kOwnSignal = SIGWINCH;           // masked in bodies if each has a mask of its own

// A coroutine's control words, where it may have its own. No other code here uses these values.
constexpr std::uint32_t kOwnControls[trap::kControls] = {0x5f80, 0x0e7f};

#if defined(__x86_64__)
#define KEPT(where) \
  { "rbx, " where, "r12, " where, "r13, " where, "r14, " where, "r15, " where }
#else
#define KEPT(where) \
  { "ebx, " where, "esi, " where, "edi, " where }
#endif
constexpr const char* kLostByResumer[trap::kKept] = KEPT("lost by the way back to the resumer");
constexpr const char* kLostByCoroutine[trap::kKept] = KEPT("lost by the way back to the coroutine");
constexpr const char* kControlsLostByResumer[trap::kControls] = {
    "MXCSR, lost by the way back to the resumer",
    "x87 control word, lost by the way back to the resumer"};
constexpr const char* kControlsLostByCoroutine[trap::kControls] = {
    "MXCSR, lost by the way back to the coroutine",
    "x87 control word, lost by the way back to the coroutine"};
#undef KEPT

thread_local Cast* cast_here = nullptr;  // of the thread's last begin_thread()

char* failure = nullptr;
std::size_t failure_room = 0;

[[noreturn]] void give_up(const char* name, const char* why) {
  if (failure != nullptr) {
    std::snprintf(failure, failure_room, "%s: %s", name, why);
  } else {
    std::fprintf(stderr, "adapter: %s: %s\n", name, why);
  }
  _exit(3);
}

// As an answer differs from the value that it answers.
std::uint64_t answered(std::uint64_t value) {
  const auto word = static_cast<std::uintptr_t>(value);
  const std::uintptr_t turned = ~(word << 8 | word >> (8 * sizeof word - 8));
  return static_cast<std::uintptr_t>(harmless_word(turned));
}

void* as_value(std::uint64_t value) {
  return as_pointer<void>(value);
}

}  // namespace

// ---- making them

void Cast::host_fail(const char* why) {
  cast_here->fail(why);
}

void Cast::host_stack(void* co, void* lowest, std::size_t size) {
  cast_here->declare(co, lowest, size);
}

void Cast::declare(const void* co, const void* lowest, std::size_t size) {
  if (co != nullptr && being_created_ != kHost) {
    stacks_->declare(being_created_, lowest, size);
    return;
  }
  const unsigned name = stacks_->name_for_library(lowest);
  if (name == Stacks::kNone) fail("declares more than 6 stacks of its own");
  stacks_->declare(name, lowest, size);
}

Cast::Cast(const Library& library, Stacks* stacks, unsigned first_index)
    : library_(library), stacks_(stacks) {
  add(&own_, first_index);
  play(&own_);
  for (unsigned name = kHandler1; name < kSignal; name++) {
    Coroutine& co = handlers_[name - kHandler1];
    co = {.cast = this, .name = name, .index = first_index + name - kCo0};
    members_[name] = &co;
    if (!library.has(SIGSWEEP_OWNS_STACKS) && !stacks->map(name, kStackSize)) {
      fail("no memory for the coroutines' stacks");
    }
  }
}

void Cast::add(Group* group, unsigned first_index) {
  Stacks fresh;
  for (unsigned i = 0; i < Group::kSize; i++) {
    const unsigned name = kCo0 + i;
    group->members[i] = {.cast = this, .name = name, .index = first_index + i};
    if (library_.has(SIGSWEEP_OWNS_STACKS)) continue;
    if (!fresh.map(name, kStackSize)) fail("no memory for the coroutines' stacks");
    group->stacks[i] = fresh[name];
  }
}

void Cast::play(Group* group) {
  for (unsigned i = 0; i < Group::kSize; i++) {
    if (group != playing_) playing_->stacks[i] = (*stacks_)[kCo0 + i];
    (*stacks_)[kCo0 + i] = group->stacks[i];
    members_[kCo0 + i] = &group->members[i];
  }
  playing_ = group;
}

void Cast::tell_failure(char* out, std::size_t room) {
  failure = out;
  failure_room = room;
}

void Cast::fail(const char* why) const {
  give_up(library_.says.name, why);
}

void Cast::begin_thread() {
  static constexpr sigsweep_host kHostSide = {SIGSWEEP_ADAPTER_ABI, sizeof(sigsweep_host),
                                              host_stack, host_fail};
  cast_here = this;
  const auto& says = library_.says;
  if (says.begin != nullptr && says.begin(&kHostSide) != 0) fail("begin() failed");
}

void Cast::begin() {
  begin_thread();
  // All stacks must be known, with whatever the library keeps there, before any signal.
  bring(members_[kCo0], Coroutine::suspended);
  if (library_.promises(SIGSWEEP_NESTS)) bring(members_[kCo1], Coroutine::suspended);
  if (library_.says.transfer != nullptr) create(members_[kCo2]);
  make_those_of_handlers();
}

void Cast::make_those_of_handlers() {
  for (unsigned name = kHandler1; name <= kHandler4; name++) {
    bring(members_[name], Coroutine::suspended);
  }
}

void Cast::create(Coroutine* co) {
  const auto& says = library_.says;
  const bool owns = library_.has(SIGSWEEP_OWNS_STACKS);
  const Region stack = (*stacks_)[co->name].region();
  const Scene outer = scene;
  scene = {WayPart::create, kHost};
  being_created_ = co->name;
  co->co = says.create(co->index, body, co, owns ? nullptr : const_cast<void*>(stack.at),
                       owns ? 0 : stack.size);
  being_created_ = kHost;
  scene = outer;
  if (co->co == nullptr) fail("create() returned null");
  co->state = Coroutine::created;
}

void Cast::bring(Coroutine* co, Coroutine::State state) {
  if (co->state == state) return;
  trap::Probe probe{};
  Call call{}, inner{};
  call.inner = &inner;
  call.in[0] = kOwnSignal;  // any value
  if (co->state == Coroutine::suspended) {
    resume(co, Coroutine::finish, &probe, &call);
    co->state = Coroutine::none;
    if (library_.says.destroy != nullptr) library_.says.destroy(co->co);
  }
  if (co->state == Coroutine::none && state != Coroutine::none) create(co);
  if (state == Coroutine::suspended) resume(co, Coroutine::answer, &probe, &call);
}

// ---- switching

// Nonces into the registers that a call must keep. Each call has its own: those of the coroutines,
// of the host, and of each handler differ. So none can stand in for another's.
void Cast::prepare_probe(trap::Probe* probe, std::uint64_t seed, bool of_coroutine) const {
  constexpr std::uintptr_t kEachByte = static_cast<std::uintptr_t>(0x0101010101010101);
  for (unsigned i = 0; i < trap::kKept; i++) {
    probe->kept_before[i] = kEachByte * static_cast<std::uintptr_t>(16 * (seed + 1) + i);
  }
  const bool own = of_coroutine && library_.promises(SIGSWEEP_KEEPS_FPENV);
  for (unsigned i = 0; i < trap::kControls; i++) {
    probe->control_before[i] = own ? kOwnControls[i] : trap::kControlProbe[i];
  }
}

const char* Cast::lost(const trap::Probe& probe, bool woken) const {
  if (probe.sp_after != probe.sp_before) {
    return woken ? "the coroutine woke with another SP" : "resume() came back with another SP";
  }
  for (unsigned i = 0; i < trap::kKept; i++) {
    if (probe.kept_after[i] == probe.kept_before[i]) continue;
    return woken ? kLostByCoroutine[i] : kLostByResumer[i];
  }
  if (probe.fp_after != probe.fp_before) {
    return woken ? "frame pointer, lost by the way back to the coroutine"
                 : "frame pointer, lost by the way back to the resumer";
  }
  if (const char* flag = trap::flags_problem(probe.flags_after)) return flag;
  if (!library_.promises(SIGSWEEP_KEEPS_FPENV)) return nullptr;
  for (unsigned i = 0; i < trap::kControls; i++) {
    if (probe.control_after[i] == probe.control_before[i]) continue;
    return woken ? kControlsLostByCoroutine[i] : kControlsLostByResumer[i];
  }
  return nullptr;
}

void* Cast::resume(Coroutine* co, Coroutine::Task task, trap::Probe* probe, Call* call) {
  co->task = task;
  co->call = call;
  const Scene outer = scene;
  // The host never has it; a handler, which masks all, and a body have what they had.
  const bool masked = outer.stack != kHost && has_own_mask();
  prepare_probe(probe, kStacks + co->name, false);
  scene = {WayPart::resume, outer.stack};
  void* const got = trap::nested_probe_call(probe, as_switch(library_.says.resume), co->co,
                                            as_value(call->in[0]), nullptr);
  scene = outer;
  call->got[0] = as_address(got);
  if (task == Coroutine::finish || !library_.promises(SIGSWEEP_PASSES_VALUE)) {
    call->got[0] = call->made[0];
  }
  call->returns++;
  if (const char* what = lost(*probe, false)) note(what);
  if (has_own_mask() != masked) note("signal mask, lost by the way back to the resumer");
  return got;
}

bool Cast::has_own_mask() const {
  if (!library_.promises(SIGSWEEP_KEEPS_MASK)) return false;
  sigset_t now;
  return sigprocmask(SIG_BLOCK, nullptr, &now) == 0 && sigismember(&now, kOwnSignal) == 1;
}

void Cast::spin(std::uint64_t rounds) {
  Coroutine& co0 = *members_[kCo0];
  bring(&co0, Coroutine::suspended);
  trap::Probe probe{};
  Call call{}, inner{};
  call.inner = &inner;
  resume(&co0, Coroutine::spin, &probe, &call);
  for (std::uint64_t i = 0; i < rounds; i++) library_.says.resume(co0.co, nullptr);
  resume(&co0, Coroutine::answer, &probe, &call);  // it ends to spin, and suspends as ever
}

// ---- in a coroutine

void Cast::body(void* coroutine) {
  auto* self = static_cast<Coroutine*>(coroutine);
  self->cast->live(self);
}

void Cast::live(Coroutine* self) {
  scene = {WayPart::body, self->name};
  const bool masks = library_.promises(SIGSWEEP_KEEPS_MASK);
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, kOwnSignal);
  if (masks) sigprocmask(SIG_BLOCK, &own, nullptr);
  // The value of the first resume() does not reach a body.
  for (std::uint64_t received = self->call->in[0];;) {
    arrive(self, received);
    if (self->task == Coroutine::finish) break;
    act(self);
    received = leave(self);
    if (const char* what = lost(self->probe, true)) note(what);
    if (masks && !has_own_mask()) note("signal mask, lost by the way back to the coroutine");
  }
  self->state = Coroutine::none;
  self->away = nullptr;
  scene.part = WayPart::exit;
}

// Notes where and with what it has woken.
void Cast::arrive(Coroutine* self, std::uint64_t received) {
  scene = {WayPart::body, self->name};
  Call* call = self->call;
  call->seen[0] = library_.promises(SIGSWEEP_PASSES_VALUE) ? received : call->in[0];
  call->made[0] = answered(call->seen[0]);
  call->fn_sp = trap::current_sp();
  call->fn_owner = as_address(self);
  call->fn_runs++;
}

// While it is awake.
void Cast::act(Coroutine* self) {
  while (self->task == Coroutine::spin) library_.says.suspend(self->co, nullptr);
  Call* inner = self->call->inner;
  if (self->task != Coroutine::nest && self->task != Coroutine::transfer) return;
  *inner = Call{};
  inner->in[0] = answered(self->call->made[0]);
  self->away = &self->outgoing;
  if (self->task == Coroutine::nest) {
    resume(members_[kCo1], Coroutine::answer, &self->outgoing, inner);
    return;
  }
  Coroutine& partner = *members_[kCo2];
  partner.task = Coroutine::transfer_back;
  partner.call = inner;
  prepare_probe(&self->outgoing, 2 * kStacks + self->name, true);
  scene = {WayPart::transfer, self->name};
  void* const got = trap::nested_probe_call(&self->outgoing, library_.says.transfer, self->co,
                                            partner.co, as_value(inner->in[0]));
  scene = {WayPart::body, self->name};
  inner->got[0] = library_.promises(SIGSWEEP_PASSES_VALUE) ? as_address(got) : inner->made[0];
  inner->returns++;
  if (const char* what = lost(self->outgoing, true)) note(what);
}

// Hands over; returns the value that it wakes with.
std::uint64_t Cast::leave(Coroutine* self) {
  const auto& says = library_.says;
  const bool transfers = self->task == Coroutine::transfer_back;
  void* const answer = as_value(self->call->made[0]);
  prepare_probe(&self->probe, self->name, true);
  self->away = &self->probe;
  self->state = transfers ? Coroutine::transferred : Coroutine::suspended;
  scene = {transfers ? WayPart::transfer : WayPart::suspend, self->name};
  void* const received = transfers ? trap::nested_probe_call(&self->probe, says.transfer, self->co,
                                                             members_[kCo0]->co, answer)
                                   : trap::nested_probe_call(&self->probe, as_switch(says.suspend),
                                                             self->co, answer, nullptr);
  scene = {WayPart::body, self->name};
  return as_address(received);
}

}  // namespace sigsweep::adapter
