// An adapter for sigsweep, to start from, in C++. It works as it is: over ucontext of the C library.
// Replace that by your own library, from top to bottom; each comment says what you choose there.
//
//   @COMPILE_CXX@
//   sigsweep adapter check ./mine.so      no signal yet: what sigsweep sees of it
//   sigsweep sweep --adapter ./mine.so    a signal at each instruction of it
//
// What each function must do stands in sigsweep_adapter.h. No exception may leave any of them.
//
// A sweep of it as it stands may find something: in glibc 2.36 for amd64, call frame information of
// swapcontext is wrong from the instruction on that moves SP, and a backtrace from there may crash.
#include <sigsweep_adapter.h>
#include <ucontext.h>

#include <new>

namespace {

// What your library keeps of a coroutine; often this is its own class.
class Coroutine {
 public:
  Coroutine(void (*body)(void*), void* arg, void* stack, size_t size) : body_(body), arg_(arg) {
    ready_ = getcontext(&here_) == 0;
    here_.uc_stack.ss_sp = stack;
    here_.uc_stack.ss_size = size;
    here_.uc_link = &caller_;  // the body has returned: resume() must return
    const auto self = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(this));
    makecontext(&here_, reinterpret_cast<void (*)()>(entry), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
  }
  bool ready() const { return ready_; }

  // Signals land in these two: they must not allocate, lock, throw or print.
  void* resume(void* value) {
    value_ = value;
    swapcontext(&caller_, &here_);
    return value_;
  }
  void* suspend(void* value) {
    value_ = value;
    swapcontext(&here_, &caller_);
    return value_;
  }

 private:
  // ucontext passes ints alone, so the pointer comes in two halves. Most libraries take a pointer.
  static void entry(unsigned high, unsigned low) {
    const uint64_t self = static_cast<uint64_t>(high) << 32 | low;
    auto* const co = reinterpret_cast<Coroutine*>(static_cast<uintptr_t>(self));
    co->body_(co->arg_);
  }

  ucontext_t here_, caller_;  // where it goes on, and its resumer
  void* value_ = nullptr;     // on its way to the other side
  void (*body_)(void*);
  void* arg_;
  bool ready_ = false;
};

// Makes a coroutine, but does not enter it. It may allocate: no signal lands meanwhile. Null where it
// fails. If your library makes the stacks itself, set the trait SIGSWEEP_OWNS_STACKS below, ignore
// `stack` and `size`, and tell sigsweep of each with host->stack() (see begin, below).
void* create(unsigned /*index*/, void (*body)(void*), void* arg, void* stack, size_t size) {
  auto* const co = new (std::nothrow) Coroutine(body, arg, stack, size);
  if (co != nullptr && co->ready()) return co;
  delete co;
  return nullptr;
}

// Runs `co` until it suspends, or until its body returns. If your library carries no values, return
// null here and in suspend(), and leave out the promise SIGSWEEP_PASSES_VALUE.
void* resume(void* co, void* value) {
  return static_cast<Coroutine*>(co)->resume(value);
}

// Runs in the body of `co`, and goes back to whoever resumed it.
void* suspend(void* co, void* value) {
  return static_cast<Coroutine*>(co)->suspend(value);
}

// Optional. The body of `co` has returned.
void destroy(void* co) {
  delete static_cast<Coroutine*>(co);
}

}  // namespace

// Optional functions that this library has no need of. If yours has, write one and name it below:
//
//   int begin(const struct sigsweep_host* host)    before anything else, on each thread; not 0: it
//                                                  failed. Keep `host` for host->stack() and ->fail()
//   void end()                                     the reverse
//   void* transfer(void* from, void* to, void* v)  a switch from one coroutine to another
//   void* current()                                the coroutine that your library takes for running

// sigsweep looks for one symbol, sigsweep_adapter(). This defines it: the name of your library and its
// version (letters, digits, '-', '_', '.'; findings are named after it), and the three functions. The
// block sets what is optional.
SIGSWEEP_ADAPTER(self, "mine", "0.1", create, resume, suspend) {
  // In which code signals land. Null: what sigsweep sees running on the way from resume() to the body
  // and back, without the C library. Here the switch lies in the C library, so it is named:
  // "sym:NAME" a function, "sec:NAME" a section, "trace" what is seen. A library of your own needs no
  // list.
  static const char* const code[] = {"trace", "sym:swapcontext", "sym:setcontext", nullptr};
  self->code = code;
  // What your library promises. Each is checked, and a breach is a finding. What you leave out is
  // shown as observed, and never fails. Start with few; sigsweep_adapter.h has them all.
  //
  //   SIGSWEEP_PASSES_VALUE        resume and suspend carry `value`
  //   SIGSWEEP_NESTS               a coroutine may resume another
  //   SIGSWEEP_KEEPS_MASK          each coroutine has its own signal mask
  //   SIGSWEEP_KEEPS_FPENV         each has its own rounding mode
  //   SIGSWEEP_HANDLER_SWITCHES    a signal handler may make a round trip of its own
  //   SIGSWEEP_UNWINDS_TO_CALLER   a backtrace goes on in the resumer; or
  //   SIGSWEEP_UNWINDS_TO_ENTRY    it ends where the body begins
  self->promises = SIGSWEEP_PASSES_VALUE | SIGSWEEP_NESTS | SIGSWEEP_KEEPS_MASK;
  // How it is made: SIGSWEEP_OWNS_STACKS, SIGSWEEP_COPIES_STACKS, SIGSWEEP_SCHEDULES,
  // SIGSWEEP_SETS_SIGNALS; 0: none of them.
  self->traits = 0;
  self->destroy = destroy;
}
