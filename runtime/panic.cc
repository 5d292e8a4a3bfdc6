// Throws: the message first, then a traceback, then exit status 2. Always, whatever code was
// interrupted.
//
// Async-signal-safe throughout: write(2), no allocation, no lock. The traceback follows frame
// pointers only within the bounds of SP's stack, so it stops and never faults. It does not trust g:
// between `g = g0` and `SP = g0.sched.sp` the two disagree.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "runtime/print.h"
#include "runtime/runtime.h"
#include "runtime/stubs.h"
#include "stress/base/symtab.h"

namespace runtime {

void (*throwhook)(const char* message) = nullptr;

namespace {

const symtab::Table* symbols = nullptr;
std::uintptr_t program_bias = 0;

struct NamedStack {
  const char* name;
  G* g;
};

// `returns`: pc is a return address, and its call may be the last instruction of its function.
void print_frame(std::uintptr_t pc, bool returns) {
  Line line;
  line.text("\t");
  const std::uintptr_t within = pc - program_bias - (returns ? 1 : 0);
  const symtab::Symbol* symbol = symbols != nullptr ? symbols->find(within) : nullptr;
  if (symbol != nullptr) {
    line.text(symbol->name.c_str()).text("+").hex(pc - program_bias - symbol->start);
  } else {
    line.hex(pc);
  }
  line.text("\n").flush();
}

void print_frames(std::uintptr_t pc, std::uintptr_t fp, const Stack& bounds) {
  constexpr std::uintptr_t kFrame = 2 * sizeof(fp);  // bytes, on either side of where fp points
  print_frame(pc, false);
  for (int frames = 0; frames < 100; frames++) {
    if (fp % sizeof fp != 0 || fp < bounds.lo + kFrame || fp > bounds.hi - kFrame) return;
    const auto* frame = reinterpret_cast<const std::uintptr_t*>(fp);
    if (frame[kFrameReturn] == 0) return;
    print_frame(frame[kFrameReturn], true);
    if (frame[kFrameNext] <= fp) return;  // frames only go up
    fp = frame[kFrameNext];
  }
}

// The stack of this M that sp is in.
NamedStack stack_of(G* gp, std::uintptr_t sp) {
  M* mp = gp->m;
  const NamedStack candidates[] = {
      {"gsignal", mp->gsignal}, {"g0", mp->g0}, {"goroutine", mp->curg}, {"goroutine", gp}};
  for (const NamedStack& c : candidates) {
    if (c.g != nullptr && sp > c.g->stack.lo && sp <= c.g->stack.hi) return c;
  }
  return NamedStack{nullptr, nullptr};
}

void print_stack(const char* what, G* gp, std::uintptr_t pc, std::uintptr_t sp, std::uintptr_t fp) {
  const NamedStack stack = stack_of(gp, sp);
  Line line;
  line.text(what).text(" on ");
  if (stack.g == nullptr) {
    line.text("no stack of this M, sp=").hex(sp).text("\n").flush();
    print_frame(pc, false);
    return;
  }
  line.text(stack.name);
  if (stack.g->goid != 0) line.text(" ").number(stack.g->goid);
  line.text(":\n").flush();
  print_frames(pc, fp, stack.g->stack);
}

// The first M that throws reports; another's throw waits for the end of the process.
void claimthrow(M* mp) {
  static M* thrower;
  M* first = nullptr;
  if (__atomic_compare_exchange_n(&thrower, &first, mp, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE) ||
      first == mp) {
    return;
  }
  for (;;) pause();
}

void traceback(std::uintptr_t pc, std::uintptr_t fp) {
  G* gp = getg();
  Line line;
  line.text("\ntraceback:\n").flush();
  if (gp == nullptr || gp->m == nullptr) {
    print_frame(pc, false);
    return;
  }
  print_stack("thrown", gp, pc, fp, fp);
  G* gsignal = gp->m->gsignal;
  if (gp == gsignal && gsignal->sigctx != nullptr) {
    const void* context = gsignal->sigctx;
    const ucontext_t& uc = *static_cast<const ucontext_t*>(context);
    G* interrupted = gsignal->siginterrupted;
    if (interrupted == nullptr) interrupted = gp;
    print_stack("interrupted", interrupted, sigctxpc(uc), sigctxsp(uc), sigctxfp(uc));
  }
}

}  // namespace

void tracebackinit() {
  std::string error;
  auto table = symtab::Table::load("/proc/self/exe", &error);
  if (!table) {
    std::fprintf(stderr, "runtime: tracebacks will have no names: %s\n", error.c_str());
    return;
  }
  symbols = new symtab::Table(std::move(*table));  // for the life of the process
  program_bias = static_cast<std::uintptr_t>(symtab::bias());
}

extern "C" {

void gothrow(const char* message) {
  if (throwhook != nullptr) throwhook(message);
  G* gp = getg();
  if (gp != nullptr && gp->m != nullptr) claimthrow(gp->m);
  Line line;
  line.text("fatal error: ").text(message).text("\n").flush();
  if (gp != nullptr && gp->m != nullptr) {
    if (gp->m->throwing != 0) _exit(2);  // a throw within a throw
    gp->m->throwing = 1;
  }
  const auto here = reinterpret_cast<std::uintptr_t>(&gothrow);
  traceback(here, reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  _exit(2);
}

void badonm() {
  gothrow("onM called from signal goroutine");
}
void badmcall() {
  gothrow("runtime: mcall called on m->g0 stack");
}
void badmcall2() {
  gothrow("runtime: mcall function returned");
}
void badsystemstack() {
  gothrow("systemstack called from unexpected goroutine");
}

}  // extern "C"

}  // namespace runtime
