// The runtime under test: a C++ model of Go's runtime at commit 32ecf57d (September 2014).
//
// An M is an OS thread, a G a goroutine. Each M owns two Gs of its own: g0, on whose stack the
// scheduler and everything that needs a large stack runs, and gsignal, on whose stack signal
// handlers run. m->curg is the user G that the M executes. Names are Go's, so that who knows Go
// finds each thing at once. This folder knows nothing of the harness that tests it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/arch.h"

// Functions that never come back say NORETURN. Under ASan that is empty on purpose: before a
// noreturn call ASan unpoisons "the thread's stack" from SP up, and here SP may be in a G's stack.
#if defined(__SANITIZE_ADDRESS__)
#define NORETURN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NORETURN
#endif
#endif
#ifndef NORETURN
#define NORETURN __attribute__((noreturn))
#endif

// Code that switches stacks or runs within a switch: the stubs, the scheduler, functions that run
// by onM or mcall. A linker section of its own, so that its bounds are known.
#define SWITCH_TEXT __attribute__((section("switch_text"), noinline))

namespace runtime {

struct G;
struct M;

// What a stub calls: a pointer to a FuncVal whose first word is the code. The stub leaves that
// pointer in the context register, where a closure's code finds its variables (they follow in
// memory).
struct FuncVal {
  Ptr<void()> fn;
};

// A closure in C++: its code word is closurethunk, which calls body(self, g). g is meaningful by
// mcall only.
struct Closure {
  FuncVal head;
  Ptr<void(Closure*, G*)> body;
};

// Where to go on: filled by gosave, onM and mcall, used up by gogo.
struct Gobuf {
  Word sp;         // 0 when the G is running on its own stack
  Word pc;         // may be stale while sp is 0
  Ptr<G> g;        // may be stale while sp is 0
  Word ret;        // the value that gogo leaves in the return register
  Ptr<void> ctxt;  // the value that gogo leaves in the context register
  Word lr;         // arm only
};

struct Stack {
  Word lo;  // lowest usable address; a guard page lies below
  Word hi;  // one past the highest
};

enum Status : Word { Gidle, Grunnable, Grunning, Gwaiting, Gdead };

struct G {
  Stack stack;
  Ptr<M> m;               // written by execute; constant for g0 and gsignal
  Gobuf sched;            // written by the stubs, on this G's own M
  Word goid;              // 0 for g0 and gsignal
  Word status;            // Status
  Ptr<G> schedlink;       // next in the run queue or the free list
  Ptr<G> alllink;         // next of all Gs that newproc ever made
  Ptr<void> sigctx;       // gsignal only: the interrupted context while a handler runs, else nil
  Ptr<G> siginterrupted;  // gsignal only: the g that was interrupted, likewise
};

struct M {
  Ptr<G> g0;
  Ptr<G> gsignal;
  Ptr<G> curg;        // nil when the M is idle or runs the scheduler
  Word scalararg[4];  // arguments and results of functions called by onM and mcall
  Ptr<void> ptrarg[4];
  Ptr<const FuncVal> mstartfn;  // run on g0 before the first schedule(); nil: nothing
  Word throwing;                // set by gothrow, so that a throw within a throw ends at once
  Word hostsp;  // the OS thread's own SP while the M runs on its Gs' stacks; written by mstart
};

// The scheduler's state, shared by all Ms (one, today).
struct Sched {
  Ptr<G> runqhead;
  Ptr<G> runqtail;
  Ptr<G> gfree;
  Ptr<G> allg;
  Word goidgen;
};
extern Sched sched;

// The g that runs on this thread. Never cached across a switch: each call reads the register or
// TLS.
extern "C" thread_local G* runtime_g;

// ---- stack.cc: stacks with a guard page on either side. Not async-signal-safe.

// A new G with a stack of at least `size` bytes. Owned by the runtime for ever. Ends the process
// with a message if the memory can't be had.
G* malg(std::size_t size);
// Pages for an M of its own. A page-aligned M lets its accesses be traced by page protection.
M* allocm(std::size_t g0_size);
// Size of the pages that allocm takes for an M, and malg for a G without its stack, in bytes.
std::size_t mpages();
std::size_t gpages();

// ---- proc.cc: one M, its run queue, Gs.

// Makes g0's sched what every switch starts from: set once when the M starts, never cleared.
void minit(M* mp);
// A new runnable G that will run fn and exit. fn must outlive it. Async-signal-safe: no.
G* newproc(const FuncVal* fn);
// Makes the state in which a process starts: every G is free, the run queue empty, g nil, the slots
// zero. Whatever was under way is forgotten. REQUIRES: not called on a stack of this runtime.
void mreset(M* mp);
// Puts a waiting G back into the run queue. REQUIRES: g0.
extern "C" void ready(G* gp);
// Called by a G: let others run; wait until ready() is called for it; end.
extern "C" void gosched();
extern "C" void gopark();
extern "C" NORETURN void goexit1();
// Run by mcall, each ends in schedule().
extern "C" void gosched_m(G* gp);
extern "C" void park_m(G* gp);
extern "C" void goexit0(G* gp);
// REQUIRES: g0. Picks a G and runs it; where there is none, leaves the M by mexit.
extern "C" NORETURN void schedule();

// ---- panic.cc. Everything here is async-signal-safe.

// Prints "fatal error: MSG", a traceback of the stack it happened on and of the interrupted g, and
// exits with status 2. Always, whatever was interrupted.
extern "C" NORETURN void gothrow(const char* message);
extern "C" NORETURN void badonm();
extern "C" NORETURN void badmcall();
extern "C" NORETURN void badmcall2();
extern "C" NORETURN void badsystemstack();
// Called first by gothrow when set; it may leave by a jump of its own. For tests.
extern void (*throwhook)(const char* message);
// Reads the program's symbols for tracebacks. Call once, at start; without it addresses are
// printed.
void tracebackinit();

// ---- signal.cc

// What runs on gsignal for a signal. gp: the g that was interrupted. REQUIRES: async-signal-safe.
using SigHandler = void (*)(int sig, void* info, void* ctx, G* gp);
// Registers gsignal's stack as this thread's alternate stack.
void sigaltinit(M* mp);
// Installs sigtramp for sig, with SA_SIGINFO|SA_ONSTACK|SA_RESTART and every signal masked but the
// synchronous ones: a masked SIGSEGV or SIGTRAP that occurs kills the process without a word.
void setsig(int sig, SigHandler handler);
// Bytes that a signal stack needs on this machine: 32 KiB or what AT_MINSIGSTKSZ asks for.
std::size_t gsignalsize();

}  // namespace runtime
