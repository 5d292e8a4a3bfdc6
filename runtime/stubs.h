// Contracts of the assembly (asm_*.S). Source: Go commit 32ecf57d and the commits around it.
//
// All of it is async-signal-safe: it neither locks nor allocates. Whether a *signal* is safe at
// each of its instructions is the question of this project.
#pragma once

#include <signal.h>

#include "runtime/runtime.h"

namespace runtime {
extern "C" {

// onM(fn): runs fn once on g0's stack and returns.
//   From curg: saves pc (switchtoM), sp and g in g->sched, in this order; then g = g0, SP =
//   g0.sched.sp, calls; on the way back g = m->curg, SP = curg.sched.sp, curg.sched.sp = 0. ret and
//   ctxt stay. On g0: a plain call. Callee-saved registers are kept in either case. Elsewhere:
//   badonm. REQUIRES: g is m->g0 or m->curg.
void onM(const FuncVal* fn);
// The parent commit's: without the check. From gsignal it returns to curg, where it did not start.
void onM_legacy(const FuncVal* fn);
// The commit message's other idea: returns to the g that it came from, without any check. It keeps
// that g on g0's stack. CAVEAT: from gsignal it starts at the top of g0's stack like any other
// switch, even if that stack is in use.
void onM_remember(const FuncVal* fn);
// On gsignal: a plain call. Elsewhere: onM. CAVEAT: the caller must care for the argument slots.
void onM_signalok(const FuncVal* fn);
#if defined(__arm__)
// As the commit has it on ARM: m->g0 is compared twice, so a call from curg ends in badonm.
void onM_arm_seed(const FuncVal* fn);
// The first version on ARM: on gsignal the call of fn overwrites LR, which was not saved.
void onM_signalok_arm_first(const FuncVal* fn);
#endif
// Go's later form: as onM, and on gsignal a plain call. fn takes its arguments in a closure.
void systemstack(const FuncVal* fn);

// mcall(fn): saves the caller's pc and sp and g in g->sched, switches to g0, calls fn(g). fn never
// returns (badmcall2). REQUIRES: not on g0 (badmcall). CAVEAT: not on gsignal either, which is not
// checked. CAVEAT: when it returns (by gogo), only SP is kept, as in Go's ABI; C++ calls cmcall.
void mcall(const FuncVal* fn);
// mcall, with the C++ ABI's callee-saved registers kept in the caller's frame.
void cmcall(const FuncVal* fn);

// Goes on at the point in buf: g, SP, ret, ctxt; clears sp, ret, ctxt, lr. Faults if buf->g is nil.
NORETURN void gogo(Gobuf* buf);
// Saves the caller's sp, pc and g; ret = ctxt = 0. Returns once more when gogo(buf) is called.
[[gnu::returns_twice]] void gosave(Gobuf* buf);

// Never called: its address in sched.pc marks the bottom of a G's stack for a stack walk.
void switchtoM();
// A G's function returns here.
void goexit();
// The code word of a C++ Closure: calls body(closure, g).
void closurethunk();

// Enters the M from its OS thread: g = g0, runs mstart1 on g0's stack. Returns when mexit is
// called. REQUIRES: minit(mp). Keeps the callee-saved registers.
void mstart(M* mp);
// Leaves the M: returns from mstart, with g = nil.
NORETURN void mexit(M* mp);
NORETURN void mstart1();

// For those who check a backtrace: where it ends. Offsets from the beginning of the function, of its
// first instruction where nobody has called, and of its last one: mcall's once SP is in g0's stack.
struct Outermost {
  std::uint32_t first, last;
};
extern const Outermost mcall_outermost, goexit_outermost;

// Every signal's entry: keeps g, sets g = m->gsignal, calls sighandler(sig, info, ctx, kept g),
// restores the kept g. g == nil: badsignal.
void sigtramp(int sig, siginfo_t* info, void* ctx);
void sighandler(int sig, siginfo_t* info, void* ctx, G* gp);
void badsignal(int sig);

}  // extern "C"

// The FuncVal of a C++ function that takes nothing, or g; and, of one that takes g, the function
// with its type, which a FuncVal does not tell.
inline FuncVal funcval(void (*fn)()) {
  return FuncVal{fn};
}
inline FuncVal funcval(void (*fn)(G*)) {
  return FuncVal{reinterpret_cast<void (*)()>(fn)};
}
ALWAYS_INLINE void (*codeof(const FuncVal* fn))(G*) {
  void (*const code)() = fn->fn;
  return reinterpret_cast<void (*)(G*)>(code);
}

}  // namespace runtime
