#include "fuzz/malloc/heap_machine.h"

#include "runtime/malloc.h"
#include "runtime/stubs.h"

namespace sigsweep::fuzz::heap {
namespace {

using runtime::G;
using runtime::Word;

// The collector would take words of the last input on a stack for pointers. Then other objects
// would live than in a run of this input alone. REQUIRES: nothing of the stack is in use.
__attribute__((no_sanitize("address"))) void clear_stack(const G* gp) {
  for (Word at = gp->stack.lo; at < gp->stack.hi; at += sizeof(Word))
    *reinterpret_cast<volatile Word*>(at) = 0;
}

}  // namespace

void Machine::start(void (*throwhook)(const char*)) {
  runtime::mallocinit();
  runtime::throwhook = throwhook;
  m_ = runtime::allocm(64 * 1024);
  m_->mcache = runtime::allocmcache();
}

__attribute__((noinline)) Problem Machine::run(const runtime::FuncVal* fn, const Hooks& hooks) {
  runtime::mreset(m_);
  clear_stack(m_->g0);
  for (const G* gp = runtime::sched.allg; gp != nullptr; gp = gp->alllink) clear_stack(gp);
  m_->mstartfn = hooks.start;
  m_->mexitfn = hooks.end;
  runtime::newproc(fn);
  thrown_ = {};
  if (__builtin_setjmp(caller_) == 0) runtime::mstart(m_);
  return thrown_;
}

void Machine::unwind(const char* message) {
  thrown_ = message;
  __builtin_longjmp(caller_, 1);
}

}  // namespace sigsweep::fuzz::heap
