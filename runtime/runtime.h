// The runtime under test: a C++ model of Go's runtime at commit 32ecf57d (September 2014).
//
// An M is an OS thread, a G a goroutine. Each M owns two Gs of its own: g0 and gsignal. The
// scheduler, and all code that needs a large stack, runs on g0's stack; signal handlers run on
// gsignal's. m->curg is the user G that the M executes. Names are Go's, so that a reader who knows
// Go finds each thing at once. This folder knows nothing of the harness that tests it.
#pragma once

#include <pthread.h>

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
// by onM or mcall. It has its own linker section, so that its bounds are known.
#define SWITCH_TEXT __attribute__((section("switch_text"), noinline))

namespace runtime {

struct G;
struct M;
struct MCache;

// Between Ms: 0 free, 1 held, 2 held and waited for. lock.h. Held for a few instructions, and never
// by code that runs for a signal.
struct Lock {
  std::uint32_t key;
};

// The argument of a stub: a pointer to a FuncVal whose first word is the code. The stub leaves that
// pointer in the context register. A closure's code finds its variables there (they follow in
// memory).
struct FuncVal {
  Ptr<void()> fn;
};

// A closure in C++: its code word is closurethunk, which calls body(self, g). Only mcall gives a
// meaningful g.
struct Closure {
  FuncVal head;
  Ptr<void(Closure*, G*)> body;
};

// The point to go on at: filled by gosave, onM and mcall, used up by gogo.
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
  Ptr<G> siginterrupted;  // gsignal only: the interrupted g while a handler runs, else nil
};

struct M {
  Ptr<G> g0;
  Ptr<G> gsignal;
  Ptr<G> curg;        // nil when the M is idle or runs the scheduler
  Word scalararg[4];  // arguments and results of functions called by onM and mcall
  Ptr<void> ptrarg[4];
  Ptr<const FuncVal> mstartfn;  // run on g0 before the first schedule(); nil: nothing
  Ptr<const FuncVal> mexitfn;   // run on g0 after the last G; nil: nothing
  Ptr<Lock> waitlock;           // park_m releases it once the G waits; nil: nothing
  Ptr<MCache> mcache;           // malloc.h; nil: nothing may be allocated on this M
  Word id;                      // which of the process's Ms; the code that starts several numbers
                                // them
  Word throwing;                // set by gothrow, so that a throw within a throw ends at once
  // The OS thread's own SP while the M runs on its Gs' stacks; written by mstart.
  std::uintptr_t hostsp;
};

// The scheduler's state, shared by all Ms; `lock` guards it if there is more than one.
struct Sched {
  Ptr<G> runqhead;
  Ptr<G> runqtail;
  Ptr<G> gfree;
  Ptr<G> allg;
  Word goidgen;
  Lock lock;
  std::uint32_t mcount;     // Ms that take part; constant while they run
  std::uint32_t midle;      // of those, waiting for a G
  std::uint32_t mdone;      // no G is left to run: every M leaves
  std::uint32_t wakeups;    // a futex: an idle M waits for it to change
  std::uint32_t gcwaiting;  // no G may be started: the world stops
  std::uint32_t stopped;    // a futex: stoptheworld waits for it to change
};
extern Sched sched;

// ---- stack.cc: stacks with a guard page on either side. Not async-signal-safe.

// A new G with a stack of at least `size` bytes. Owned by the runtime for ever. Ends the process
// with a message if the memory can't be had.
G* malg(std::size_t size);
// Pages for a single M. Page protection can trace the accesses to a page-aligned M. gsignal_size:
// of its alternate stack; 0: gsignalsize().
M* allocm(std::size_t g0_size, std::size_t gsignal_size = 0);
// Size of the pages that allocm takes for an M, and malg for a G without its stack, in bytes.
std::size_t mpages();
std::size_t gpages();

// ---- proc.cc: Ms, the run queue that they share, Gs. A G goes on with the next M that takes it.

// Sets g0's sched, from which every switch starts: once, when the M starts; never cleared.
void minit(M* mp);
// A new runnable G that will run fn and exit. fn must outlive it. Async-signal-safe: no.
G* newproc(const FuncVal* fn);
// Makes the state in which a process starts: every G is free, the run queue empty, g nil, the slots
// zero. Forgets all work under way. REQUIRES: not called on a stack of this runtime, and no other M
// runs.
void mreset(M* mp);
// How many Ms will run; mreset sets one. REQUIRES: none runs. An M leaves when there is no G to run
// and no other M that might make one runnable.
void setmcount(unsigned count);
// Puts a waiting G back into the run queue. REQUIRES: g0; the G waits, as goparkunlock's lock
// shows.
extern "C" void ready(G* gp);
// Called by a G: let others run; wait until ready() is called for it; end.
extern "C" void gosched();
extern "C" void gopark();
extern "C" NORETURN void goexit1();
// Called by a G that holds l: waits, and releases l only then. From then on an M that takes l may
// ready the G.
void goparkunlock(Lock* l);
// Called by a G, by onM and the slots, as the original does: ready and newproc.
void goready(G* gp);
void gonewproc(const FuncVal* fn);
// Called by a G: returns when no other M runs a G, and none will before starttheworld. CAVEAT: one
// at a time (worldlock in mgc.cc). REQUIRES: every G comes to a scheduling point soon.
void stoptheworld();
void starttheworld();
// Run by mcall, each ends in schedule().
extern "C" void gosched_m(G* gp);
extern "C" void park_m(G* gp);
extern "C" void goexit0(G* gp);
// REQUIRES: g0. Picks a G and runs it. If there is none, waits while another M might have one; else
// leaves the M by mexit.
extern "C" NORETURN void schedule();

// ---- os_linux.cc: an M as a thread of its own. Not async-signal-safe.

// Starts it. Signals stay blocked until mstartfn has run unblocksignals (a nil mstartfn does so).
// They are blocked again when mexitfn has run (blocksignals if nil). So no signal finds a thread
// without a g, or without its alternate stack. Returns 0 or an error number. The caller joins.
// REQUIRES: minit(mp).
int newosproc(M* mp, pthread_t* thread);
// Ends the calling M: mexitfn, then mexit. REQUIRES: g0.
NORETURN void leavem();
// For the calling thread: blocks every signal except the synchronous ones; restores the mask that
// the first caller of newosproc had then.
void blocksignals();
void unblocksignals();

// ---- panic.cc. Everything here is async-signal-safe.

// Prints "fatal error: MSG", a traceback of the stack it happened on and of the interrupted g, and
// exits with status 2. Always, whatever code was interrupted.
extern "C" NORETURN void gothrow(const char* message);
extern "C" NORETURN void badonm();
extern "C" NORETURN void badmcall();
extern "C" NORETURN void badmcall2();
extern "C" NORETURN void badsystemstack();
// If set, gothrow and badsignal call it first; it may leave by a jump of its own. For tests.
extern void (*throwhook)(const char* message);
// Reads the program's symbols for tracebacks. Call once, at start; without it tracebacks print
// addresses.
void tracebackinit();

// ---- signal.cc

// The function that runs on gsignal for a signal. gp: the interrupted g. REQUIRES:
// async-signal-safe.
using SigHandler = void (*)(int sig, void* info, void* ctx, G* gp);
// Registers gsignal's stack as this thread's alternate stack.
void sigaltinit(M* mp);
// Installs sigtramp for sig, with SA_SIGINFO|SA_ONSTACK|SA_RESTART and every signal masked except
// the synchronous ones: a SIGSEGV or SIGTRAP that occurs while masked kills the process at once.
void setsig(int sig, SigHandler handler);
// Bytes of a signal stack on this machine: 32 KiB, or more if AT_MINSIGSTKSZ requires it.
std::size_t gsignalsize();

}  // namespace runtime
