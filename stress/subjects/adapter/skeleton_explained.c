/* An adapter for sigsweep, to start from. It works as it is: over ucontext of the C library. Replace
 * that by your own library, from top to bottom; each comment says what you choose there.
 *
 *   @COMPILE_C@
 *   sigsweep adapter check ./mine.so      no signal yet: what sigsweep sees of it
 *   sigsweep sweep --adapter ./mine.so    a signal at each instruction of it
 *
 * What each function must do stands in sigsweep_adapter.h.
 *
 * A sweep of it as it stands may find something: in glibc 2.36 for amd64, call frame information of
 * swapcontext is wrong from the instruction on that moves SP, and a backtrace from there may crash.
 */
#define _GNU_SOURCE
#include <sigsweep_adapter.h>
#include <stdlib.h>
#include <ucontext.h>

/* What your library keeps of a coroutine; often this is its own type. */
struct coroutine {
  ucontext_t here;   /* where it goes on */
  ucontext_t caller; /* where its resumer goes on */
  void *value;       /* on its way to the other side */
  void (*body)(void *);
  void *arg;
};

/* ucontext passes ints alone, so the pointer comes in two halves. Most libraries take a pointer. */
static void entry(unsigned high, unsigned low) {
  struct coroutine *co = (struct coroutine *)(uintptr_t)((uint64_t)high << 32 | low);
  co->body(co->arg);
  /* The body has returned: resume() must return. Here uc_link sees to that. */
}

/* Makes a coroutine, but does not enter it. It may allocate: no signal lands meanwhile. Return NULL
 * where it fails. If your library makes the stacks itself, set the trait SIGSWEEP_OWNS_STACKS below,
 * ignore `stack` and `size`, and tell sigsweep of each with host->stack() (see begin, below). */
static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct coroutine *co = calloc(1, sizeof *co);
  (void)index; /* the number of this coroutine: of use where your library has fixed places for them */
  if (co == NULL || getcontext(&co->here) != 0) {
    free(co);
    return NULL;
  }
  co->body = body;
  co->arg = arg;
  co->here.uc_stack.ss_sp = stack;
  co->here.uc_stack.ss_size = size;
  co->here.uc_link = &co->caller;
  makecontext(&co->here, (void (*)(void))entry, 2, (unsigned)((uint64_t)(uintptr_t)co >> 32),
              (unsigned)(uintptr_t)co);
  return co;
}

/* Runs `co` until it suspends, or until its body returns. Signals land in here: it must not allocate,
 * lock, or print. If your library carries no values, return NULL here and in suspend(), and leave out
 * the promise SIGSWEEP_PASSES_VALUE. */
static void *resume(void *which, void *value) {
  struct coroutine *co = which;
  co->value = value;
  swapcontext(&co->caller, &co->here);
  return co->value;
}

/* Runs in the body of `co`, and goes back to whoever resumed it. Signals land in here. */
static void *suspend(void *which, void *value) {
  struct coroutine *co = which;
  co->value = value;
  swapcontext(&co->here, &co->caller);
  return co->value;
}

/* Optional. The body of `co` has returned. */
static void destroy(void *co) {
  free(co);
}

/* Optional functions that this library has no need of. If yours has, write one and name it below:
 *
 *   int begin(const struct sigsweep_host *host)    before anything else, on each thread; not 0: it
 *                                                  failed. Keep `host` for host->stack() and ->fail()
 *   void end(void)                                 the reverse
 *   void *transfer(void *from, void *to, void *v)  a switch from one coroutine to another
 *   void *current(void)                            the coroutine that your library takes for running
 */

/* sigsweep looks for one symbol, sigsweep_adapter(). This defines it: the name of your library and its
 * version (letters, digits, '-', '_', '.'; findings are named after it), and the three functions. The
 * block sets what is optional. */
SIGSWEEP_ADAPTER(self, "mine", "0.1", create, resume, suspend) {
  /* In which code signals land. Null: what sigsweep sees running on the way from resume() to the body
   * and back, without the C library. Here the switch lies in the C library, so it is named:
   * "sym:NAME" a function, "sec:NAME" a section, "trace" what is seen. A library of your own needs no
   * list. */
  static const char *const code[] = {"trace", "sym:swapcontext", "sym:setcontext", NULL};
  self->code = code;
  /* What your library promises. Each is checked, and a breach is a finding. What you leave out is
   * shown as observed, and never fails. Start with few; sigsweep_adapter.h has them all.
   *
   *   SIGSWEEP_PASSES_VALUE        resume and suspend carry `value`
   *   SIGSWEEP_NESTS               a coroutine may resume another
   *   SIGSWEEP_KEEPS_MASK          each coroutine has its own signal mask
   *   SIGSWEEP_KEEPS_FPENV         each has its own rounding mode
   *   SIGSWEEP_HANDLER_SWITCHES    a signal handler may make a round trip of its own
   *   SIGSWEEP_UNWINDS_TO_CALLER   a backtrace goes on in the resumer; or
   *   SIGSWEEP_UNWINDS_TO_ENTRY    it ends where the body begins */
  self->promises = SIGSWEEP_PASSES_VALUE | SIGSWEEP_NESTS | SIGSWEEP_KEEPS_MASK;
  /* How it is made: SIGSWEEP_OWNS_STACKS, SIGSWEEP_COPIES_STACKS, SIGSWEEP_SCHEDULES,
   * SIGSWEEP_SETS_SIGNALS; 0: none of them. */
  self->traits = 0;
  self->destroy = destroy;
}
