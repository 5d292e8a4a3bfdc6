// The scheduler: one M, a run queue, Gs that are created, run, yield, wait and end.
//
// What a G calls (gosched, gopark, goexit1) enters by cmcall and leaves by gogo. The functions that
// run on g0 are SWITCH_TEXT: a signal may land at each of their instructions.
#include "runtime/runtime.h"
#include "runtime/slots.h"
#include "runtime/stubs.h"

namespace runtime {

extern "C" {
__attribute__((tls_model("local-exec"))) thread_local G* runtime_g = nullptr;
}
Sched sched;

namespace {

constexpr std::size_t kStackSize = 32 * 1024;  // bytes; a G's

const FuncVal gosched_fn = funcval(gosched_m);
const FuncVal park_fn = funcval(park_m);
const FuncVal goexit0_fn = funcval(goexit0);

}  // namespace

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

SWITCH_TEXT NORETURN void execute(G* gp) {
  M* mp = getg()->m;
  gp->status = Grunning;
  gp->m = mp;
  mp->curg = gp;
  gogo(&gp->sched);
}

SWITCH_TEXT NORETURN void schedule() {
  G* gp = runqget();
  if (gp == nullptr) mexit(getg()->m);
  execute(gp);
}

SWITCH_TEXT void gosched_m(G* gp) {
  gp->status = Grunnable;
  gp->m->curg = nullptr;
  runqput(gp);
  schedule();
}

SWITCH_TEXT void park_m(G* gp) {
  gp->status = Gwaiting;
  gp->m->curg = nullptr;
  schedule();
}

SWITCH_TEXT void goexit0(G* gp) {
  gp->status = Gdead;
  gp->m->curg = nullptr;
  gp->schedlink = sched.gfree;
  sched.gfree = gp;
  schedule();
}

SWITCH_TEXT void ready(G* gp) {
  if (gp->status != Gwaiting) gothrow("bad g->status in ready");
  gp->status = Grunnable;
  runqput(gp);
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
  // Every switch starts here, so the ABI's alignment must hold; the word it points at is m, by
  // which an unwinder finds the way back to curg (asm_*.S).
  const Word sp = (g0->stack.hi - 2 * sizeof(Word)) & ~Word{15};
  *reinterpret_cast<Word*>(sp) = reinterpret_cast<Word>(mp);
  g0->sched = Gobuf{};
  g0->sched.sp = sp;
  g0->sched.pc = reinterpret_cast<Word>(&mstart);
  g0->sched.g = g0;
  g0->m = mp;
  mp->gsignal->m = mp;
}

G* newproc(const FuncVal* fn) {
  G* gp = sched.gfree;
  if (gp != nullptr) {
    sched.gfree = gp->schedlink;
  } else {
    gp = malg(kStackSize);
    gp->alllink = sched.allg;
    sched.allg = gp;
  }
  const Word sp = (gp->stack.hi & ~Word{15}) - sizeof(Word);
  *reinterpret_cast<Word*>(sp) = reinterpret_cast<Word>(&goexit) + 1;  // asm_*.S
  gp->sched = Gobuf{};
  gp->sched.sp = sp;
  gp->sched.pc = reinterpret_cast<Word>(fn->fn);
  gp->sched.g = gp;
  gp->sched.ctxt = const_cast<FuncVal*>(fn);
  gp->goid = ++sched.goidgen;
  gp->status = Grunnable;
  runqput(gp);
  return gp;
}

// All but what malg made.
static void greset(G* gp) {
  G fresh{};
  fresh.stack = gp->stack;
  fresh.alllink = gp->alllink;
  *gp = fresh;
}

void mreset(M* mp) {
  runtime_g = nullptr;
  greset(mp->g0);
  greset(mp->gsignal);
  minit(mp);
  mp->curg = nullptr;
  mp->mstartfn = nullptr;
  mp->throwing = 0;
  for (unsigned i = 0; i < kSlots; i++) *slotcell(mp, i) = 0;

  sched.runqhead = nullptr;
  sched.runqtail = nullptr;
  sched.goidgen = 0;
  sched.gfree = nullptr;
  for (G* gp = sched.allg; gp != nullptr; gp = gp->alllink) {  // always in the same order
    greset(gp);
    gp->status = Gdead;
    gp->schedlink = sched.gfree;
    sched.gfree = gp;
  }
}

}  // namespace runtime
