// The operations of the Gs. A G may be on another M after each scheduling point, so nothing here
// keeps the state of an M across one.
#include "stress/subjects/onm/storm/work.h"

#include <atomic>
#include <cstring>
#include <vector>

#include "runtime/lock.h"
#include "runtime/malloc.h"
#include "runtime/stubs.h"
#include "stress/oracle/oracle.h"
#include "stress/storm/workload.h"
#include "stress/subjects/onm/many_ms.h"
#include "stress/subjects/onm/storm/state.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SEES_THE_HEAP
#endif
#endif

namespace sigsweep::storm::go {
namespace {

using runtime::G;
using runtime::Word;

#if defined(SEES_THE_HEAP)
constexpr bool kSanitizerSees = true;  // a touch of memory outside the object is reported
#else
constexpr bool kSanitizerSees = false;  // so such memory is not touched, but counted
#endif

constexpr unsigned kKept = 8;           // objects of a G
constexpr unsigned kMostChildren = 64;  // short-lived Gs at a time
constexpr unsigned kCollectEvery = 20000;
constexpr Word kLargestLarge = 100000;  // bytes

struct Object {
  Word* at;
  Word size;  // bytes, whole words
};

// Two Gs meet here: the first to come waits for the other.
struct Meeting {
  runtime::Lock lock;
  G* waits;
  bool closed;
};

struct GState {
  runtime::Closure closure;  // the G runs its head
  unsigned number;
  std::uint64_t rng;
};
GState gs[kMaxGs];
Object objects[kMaxGs][kKept];  // a root
Meeting meetings[kMaxGs / 2 + 1];
std::vector<unsigned>* op_sites;  // those that the exact lane has, too
std::atomic<bool> stopping;
std::atomic<std::uint64_t> made, finished, children;

// ---- violations

unsigned site_named(std::string_view name) {
  for (unsigned i = 0; i < subject().sites().size(); i++) {
    if (subject().sites()[i].name == name) return i;
  }
  return 0;
}

// An allocation that is not of the requested size class or size: that was clobbered.
void record_allocation(const char* site) {
  Violation violation{};
  violation.verdict = Verdict::arg_clobbered;
  violation.slots = 1;
  violation.site = site_named(site);
  note_violation(&thread_here(), violation);
}

// ---- slots: the call sites of the exact lane

Verdict judge(const Site& site, const Call& call, SlotMask* slots) {
  *slots = 0;
  if (call.fn_runs != 1 || call.returns != 1) return Verdict::wrong_switch;
  *slots = clobbered_arguments(site, call);
  if (*slots != 0) return Verdict::arg_clobbered;
  *slots = clobbered_results(site, call);
  return *slots != 0 ? Verdict::result_clobbered : Verdict::ok;
}

void slots_operation(GState* self) {
  MState* m = &here();  // no scheduling point until the end
  const unsigned site = (*op_sites)[random_word(&self->rng) % op_sites->size()];
  Call call{}, inner{};
  call.inner = &inner;
  for (std::uint64_t& in : call.in) in = random_word(&self->rng) | 1;
  m->op_signals = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::uint64_t began = ticks();
  onm::call_on_this_g(config.protocol, site, &call);
  thread_here().latency.add(ticks() - began);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  Violation violation{};
  violation.hit = m->hit;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  violation.signals = m->op_signals;
  m->legal.add(call.returns);
  violation.verdict = judge(subject().sites()[site], call, &violation.slots);
  if (violation.verdict == Verdict::ok) return;
  violation.site = site;
  violation.replayable = true;
  std::memcpy(violation.args, call.in, sizeof call.in);
  note_violation(&thread_here(), violation);
}

// ---- alloc

Word pattern(const Object& object, Word i) {
  return (reinterpret_cast<Word>(object.at) ^ (i << 48U)) | 1;
}

// Do its first words and its last hold the written values?
bool intact(const Object& object) {
  const Word last = object.size / sizeof(Word) - 1;
  for (const Word i : {Word{0}, last / 2, last}) {
    if (object.at[i] != pattern(object, i)) return false;
  }
  return true;
}

void fill(const Object& object) {
  for (Word i = 0; i < object.size / sizeof(Word); i++) object.at[i] = pattern(object, i);
}

// Does the object lie in a span of its size?
bool fits(const Object& object) {
  const Word at = reinterpret_cast<Word>(object.at);
  const runtime::MSpan* s = runtime::spanof(at);
  return s != nullptr && at + object.size <= s->start + s->nelems * s->elemsize &&
         s->elemsize >= object.size;
}

void alloc_operation(GState* self) {
  const std::uint64_t random = random_word(&self->rng);
  const bool large = random % 64 == 0;
  const Word most = large ? kLargestLarge : kLargestSmallObject;
  const Word least = large ? runtime::kLargestSmall + 1 : 16;
  Object& slot = objects[self->number][random >> 32U & (kKept - 1)];
  if (slot.at != nullptr && !intact(slot)) record_allocation("mcacheRefill_m");
  slot.at = nullptr;
  Object fresh{};
  fresh.size = (least + (random >> 8U) % (most - least)) & ~(sizeof(Word) - 1);
  fresh.at = static_cast<Word*>(runtime::mallocgc(fresh.size));
  if (kSanitizerSees) fill(fresh);
  if (!fits(fresh)) {
    record_allocation(large ? "largeAlloc_m" : "mcacheRefill_m");
    return;
  }
  fill(fresh);
  slot = fresh;
  here().legal.add();
}

// ---- sched

void child_main() {
  finished++;
  children--;
}
const runtime::FuncVal child_fn = runtime::funcval(child_main);

void meet(Meeting* place, bool leave) {
  runtime::lock(&place->lock);
  if (place->closed) {
    runtime::unlock(&place->lock);
    return;
  }
  place->closed = leave;
  G* other = place->waits;
  if (other == nullptr && !leave) {
    place->waits = runtime::getg();
    runtime::goparkunlock(&place->lock);
    return;
  }
  place->waits = nullptr;
  runtime::unlock(&place->lock);
  if (other != nullptr) runtime::goready(other);
}

// With an odd number of Gs, the last one has no partner.
bool has_partner(const GState* self) {
  return (self->number ^ 1U) < config.tasks;
}

void sched_operation(GState* self) {
  const std::uint64_t random = random_word(&self->rng) % 8;
  if (random == 0 && children < kMostChildren) {
    children++;
    made++;
    runtime::gonewproc(&child_fn);
  } else if (random < 4 && has_partner(self)) {
    meet(&meetings[self->number / 2], false);
  } else {
    runtime::gosched();
  }
  here().legal.add();
}

void gc_operation(GState* self) {
  const std::uint64_t random = random_word(&self->rng);
  if (random % kCollectEvery == 0) runtime::gc((random >> 32U & 1U) != 0);
  runtime::gosched();
}

// ---- a G

// By mix, in the order of kMixNames.
constexpr void (*kOperations[])(GState*) = {alloc_operation, sched_operation, gc_operation,
                                            slots_operation};
constexpr unsigned kMixes = std::size(kMixNames);
static_assert(std::size(kOperations) == kMixes);

constexpr unsigned kTurn = 16;  // the most operations between two scheduling points

void g_main(runtime::Closure* closure, G*) {
  auto* self = reinterpret_cast<GState*>(closure);
  unsigned turn = 0;
  while (!stopping) {
    const auto mix = static_cast<unsigned>(random_word(&self->rng) % kMixes);
    if (!config.has_mix(mix)) continue;
    kOperations[mix](self);
    thread_here().operations[mix].add();
    if (++turn % kTurn == 0) runtime::gosched();
  }
  meet(&meetings[self->number / 2], true);
  finished++;
}

}  // namespace

void prepare_work() {
  op_sites = new std::vector<unsigned>();  // for the life of the process
  for (unsigned i = 0; i < subject().sites().size(); i++) {
    if (onm::runs_on_any_g(i)) op_sites->push_back(i);
  }
  std::uint64_t rng = config.seed * 0x9e3779b97f4a7c15U | 1;
  for (unsigned i = 0; i < config.tasks; i++) {
    gs[i].closure.head.fn = runtime::closurethunk;
    gs[i].closure.body = g_main;
    gs[i].number = i;
    gs[i].rng = random_word(&rng) | 1;
  }
  runtime::addroot(static_cast<void*>(objects), sizeof objects);
}

void start_gs() {
  for (unsigned i = 0; i < config.tasks; i++) {
    made++;
    runtime::newproc(&gs[i].closure.head);
  }
}

void stop_gs() {
  stopping = true;
}

GCount count_gs() {
  return GCount{made, finished};
}

}  // namespace sigsweep::storm::go
