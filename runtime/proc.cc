// The scheduler: Ms that share a run queue, Gs that are created, run, yield, wait and end.
//
// A G's way from M to M: it is in the queue only when mcall has saved all of it. A waiting G can be
// readied only after that, too (goparkunlock). An idle M sleeps on a futex. A single M takes no
// lock: so the exact lane, which has one M, has no step that only many Ms need.
//
// The calls of a G (gosched, gopark, goexit1) enter by cmcall and leave by gogo. The functions that
// run on g0 are SWITCH_TEXT: a signal may land at each of their instructions.
#include "runtime/lock.h"
#include "runtime/runtime.h"
#include "runtime/slots.h"
#include "runtime/stubs.h"

namespace runtime {

// The g that runs on this thread. On ISAs that keep g in a register it is the copy that save_g
// makes. Only the assembly and getg() touch it; it is never cached across a switch.
extern "C" {
extern thread_local Ptr<G> runtime_g;
__attribute__((tls_model("local-exec"))) thread_local Ptr<G> runtime_g = nullptr;
}
Sched sched;

namespace {

constexpr std::size_t kStackSize = 32 * 1024;  // bytes; a G's

const FuncVal gosched_fn = funcval(gosched_m);
const FuncVal park_fn = funcval(park_m);
const FuncVal goexit0_fn = funcval(goexit0);

ALWAYS_INLINE void locksched() {
  if (sched.mcount > 1) lock(&sched.lock);
}
ALWAYS_INLINE void unlocksched() {
  if (sched.mcount > 1) unlock(&sched.lock);
}

// Work that only many Ms do is no part of a switch: ordinary text, in which no exact signal lands.

void wakem() {
  __atomic_fetch_add(&sched.wakeups, 1, __ATOMIC_RELEASE);
  futexwake(&sched.wakeups, 1);
}

// Sleeps until something may have changed. REQUIRES: sched.lock; releases it meanwhile. The word is
// read before the lock is released: an M that makes a G runnable after that changes the word.
void stopm() {
  sched.midle++;
  if (sched.gcwaiting != 0) {
    __atomic_fetch_add(&sched.stopped, 1, __ATOMIC_RELEASE);
    futexwake(&sched.stopped, 1);
  }
  const std::uint32_t seen = __atomic_load_n(&sched.wakeups, __ATOMIC_ACQUIRE);
  unlock(&sched.lock);
  futexsleep(&sched.wakeups, seen);
  lock(&sched.lock);
  sched.midle--;
}

}  // namespace

void leavem() {
  M* mp = getg()->m;
  if (mp->mexitfn != nullptr) mp->mexitfn->fn();
  mexit(mp);
}

extern "C" {
G* runqget();
}

// The queue was empty, or the world stops. Returns with a G, or not at all: if all other Ms are
// idle too, no G will ever be runnable again.
static G* findrunnable() {
  if (sched.mcount == 1) leavem();
  lock(&sched.lock);
  for (;;) {
    G* gp = sched.gcwaiting != 0 ? nullptr : runqget();
    if (gp != nullptr) {
      unlock(&sched.lock);
      return gp;
    }
    if (sched.gcwaiting == 0 && sched.midle + 1 == sched.mcount) sched.mdone = 1;
    if (sched.mdone != 0) break;
    stopm();
  }
  unlock(&sched.lock);
  __atomic_fetch_add(&sched.wakeups, 1, __ATOMIC_RELEASE);
  futexwake(&sched.wakeups, sched.mcount);
  leavem();
  return nullptr;  // not reached; under ASan the compiler can't know (NORETURN)
}

extern "C" {

SWITCH_TEXT void runqput(G* gp) {
  gp->schedlink = nullptr;
  if (sched.runqtail != nullptr) {
    sched.runqtail->schedlink = gp;
  } else {
    sched.runqhead = gp;
  }
  sched.runqtail = gp;
}

SWITCH_TEXT G* runqget() {
  G* gp = sched.runqhead;
  if (gp == nullptr) return nullptr;
  sched.runqhead = gp->schedlink;
  if (sched.runqhead == nullptr) sched.runqtail = nullptr;
  gp->schedlink = nullptr;
  return gp;
}

// Puts gp into the queue and wakes an idle M. From here on another M may run the G.
SWITCH_TEXT void enqueue(G* gp) {
  locksched();
  runqput(gp);
  const bool idle = sched.midle != 0;
  unlocksched();
  if (idle) wakem();
}

SWITCH_TEXT NORETURN void execute(G* gp) {
  M* mp = getg()->m;
  gp->status = Grunning;
  gp->m = mp;
  mp->curg = gp;
  gogo(&gp->sched);
}

SWITCH_TEXT NORETURN void schedule() {
  locksched();
  G* gp = sched.gcwaiting != 0 ? nullptr : runqget();
  unlocksched();
  if (gp == nullptr) gp = findrunnable();
  execute(gp);
}

SWITCH_TEXT void gosched_m(G* gp) {
  gp->status = Grunnable;
  gp->m->curg = nullptr;
  enqueue(gp);
  schedule();
}

SWITCH_TEXT void park_m(G* gp) {
  M* mp = gp->m;
  gp->status = Gwaiting;
  mp->curg = nullptr;
  Lock* waitlock = mp->waitlock;
  mp->waitlock = nullptr;
  if (waitlock != nullptr) unlock(waitlock);
  schedule();
}

SWITCH_TEXT void goexit0(G* gp) {
  gp->status = Gdead;
  gp->m->curg = nullptr;
  locksched();
  gp->schedlink = sched.gfree;
  sched.gfree = gp;
  unlocksched();
  schedule();
}

SWITCH_TEXT void ready(G* gp) {
  if (gp->status != Gwaiting) gothrow("bad g->status in ready");
  gp->status = Grunnable;
  enqueue(gp);
}

SWITCH_TEXT void gosched() {
  cmcall(&gosched_fn);
}
SWITCH_TEXT void gopark() {
  cmcall(&park_fn);
}
SWITCH_TEXT void goexit1() {
  cmcall(&goexit0_fn);
  __builtin_trap();  // a dead G does not run again
}

void mstart1() {
  M* mp = getg()->m;
  if (mp->mstartfn != nullptr) mp->mstartfn->fn();
  schedule();
}

}  // extern "C"

void minit(M* mp) {
  G* g0 = mp->g0;
  // Every switch starts here, so the ABI's alignment must hold. The word it points at is m: an
  // unwinder finds the way back to curg by it (asm_*.S).
  const Word sp = (g0->stack.hi - 2 * sizeof(std::uintptr_t)) & ~Word{15};
  *pointerto<std::uintptr_t>(sp) = wordof(mp);
  g0->sched = Gobuf{};
  g0->sched.sp = sp;
  g0->sched.pc = wordof(&mstart);
  g0->sched.g = g0;
  g0->m = mp;
  mp->gsignal->m = mp;
}

// A free G, or a new one. Its stack is made outside the lock.
static G* gfget() {
  locksched();
  G* gp = sched.gfree;
  if (gp != nullptr) sched.gfree = gp->schedlink;
  unlocksched();
  if (gp != nullptr) return gp;
  gp = malg(kStackSize);
  locksched();
  gp->alllink = sched.allg;
  sched.allg = gp;
  unlocksched();
  return gp;
}

G* newproc(const FuncVal* fn) {
  G* gp = gfget();
  const Word sp = (gp->stack.hi & ~Word{15}) - static_cast<Word>(kReturnBytes);
  const Word back = wordof(&goexit) + kGoexitSkip;  // asm_*.S
  gp->sched = Gobuf{};
  gp->sched.sp = sp;
  if constexpr (kReturnBytes != 0) {
    *pointerto<std::uintptr_t>(sp) = back;
  } else {
    gp->sched.lr = back;
  }
  gp->sched.pc = wordof(codeof(fn));
  gp->sched.g = gp;
  gp->sched.ctxt = const_cast<FuncVal*>(fn);
  gp->goid = __atomic_add_fetch(&sched.goidgen, 1, __ATOMIC_RELAXED);
  gp->status = Grunnable;
  enqueue(gp);
  return gp;
}

// ---- by onM and the slots

// p0 = g.
static void ready_m() {
  G* gp = reinterpret_cast<G*>(loadslot(kPointer0));
  storeslot(kPointer0, 0);
  ready(gp);
}

// s0 = size of the arguments, s1 = caller's pc, p0 = arguments, p1 = fn.
static void newproc_m() {
  const auto* fn = reinterpret_cast<const FuncVal*>(loadslot(kPointer0 + 1));
  newproc(fn);
  storeslot(kPointer0, 0);
  storeslot(kPointer0 + 1, 0);
}

static const FuncVal ready_m_fn = funcval(ready_m);
static const FuncVal newproc_m_fn = funcval(newproc_m);

void goready(G* gp) {
  storeslot(kPointer0, wordof(gp));
  onM(&ready_m_fn);
}

void gonewproc(const FuncVal* fn) {
  storeslot(0, 0);
  storeslot(1, wordof(__builtin_return_address(0)));
  storeslot(kPointer0, 0);
  storeslot(kPointer0 + 1, wordof(fn));
  onM(&newproc_m_fn);
}

void goparkunlock(Lock* l) {
  getg()->m->waitlock = l;
  gopark();
}

// ---- the world

void stoptheworld() {
  lock(&sched.lock);
  sched.gcwaiting = 1;
  while (sched.midle + 1 != sched.mcount) {
    const std::uint32_t seen = __atomic_load_n(&sched.stopped, __ATOMIC_ACQUIRE);
    unlock(&sched.lock);
    futexsleep(&sched.stopped, seen);
    lock(&sched.lock);
  }
  unlock(&sched.lock);
}

void starttheworld() {
  lock(&sched.lock);
  sched.gcwaiting = 0;
  unlock(&sched.lock);
  __atomic_fetch_add(&sched.wakeups, 1, __ATOMIC_RELEASE);
  futexwake(&sched.wakeups, sched.mcount);
}

// Resets everything except what malg made.
static void greset(G* gp) {
  G fresh{};
  fresh.stack = gp->stack;
  fresh.alllink = gp->alllink;
  *gp = fresh;
}

void setmcount(unsigned count) {
  sched.mcount = count;
  sched.midle = 0;
  sched.mdone = 0;
}

void mreset(M* mp) {
  setg(nullptr);
  greset(mp->g0);
  greset(mp->gsignal);
  minit(mp);
  mp->curg = nullptr;
  mp->mstartfn = nullptr;
  mp->mexitfn = nullptr;
  mp->waitlock = nullptr;
  mp->throwing = 0;
  for (unsigned i = 0; i < kSlots; i++) *slotcell(mp, i) = 0;

  sched.runqhead = nullptr;
  sched.runqtail = nullptr;
  sched.goidgen = 0;
  sched.gfree = nullptr;
  sched.lock.key = 0;
  sched.gcwaiting = 0;
  setmcount(1);
  for (G* gp = sched.allg; gp != nullptr; gp = gp->alllink) {  // always in the same order
    greset(gp);
    gp->status = Gdead;
    gp->schedlink = sched.gfree;
    sched.gfree = gp;
  }
}

}  // namespace runtime
