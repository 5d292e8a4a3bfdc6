/* An adapter for sigsweep. It works as it is, over ucontext of the C library: put your own there.
 * sigsweep_adapter.h has every promise, trait and function; --explained prints this with comments.
 *
 *   @COMPILE_C@
 *   sigsweep adapter check ./mine.so
 *   sigsweep sweep --adapter ./mine.so
 */
#define _GNU_SOURCE
#include <sigsweep_adapter.h>
#include <stdlib.h>
#include <ucontext.h>

struct coroutine {
  ucontext_t here, resumer; /* where each goes on */
  void *value;              /* on its way to the other side */
  void (*body)(void *);
  void *arg;
};

static void entry(unsigned high, unsigned low) { /* a pointer in two halves */
  struct coroutine *co = (struct coroutine *)(uintptr_t)((uint64_t)high << 32 | low);
  co->body(co->arg); /* then resume() must return: here by uc_link */
}

static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct coroutine *co = calloc(1, sizeof *co);
  uint64_t self = (uintptr_t)co;
  if (co == NULL) return NULL;
  getcontext(&co->here);
  co->body = body;
  co->arg = arg;
  co->here.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
  co->here.uc_link = &co->resumer;
  makecontext(&co->here, (void (*)(void))entry, 2, (unsigned)(self >> 32), (unsigned)self);
  return co;
}

/* Signals land in these two: no malloc, no lock. */
static void *resume(void *which, void *value) {
  struct coroutine *co = which;
  co->value = value;
  swapcontext(&co->resumer, &co->here);
  return co->value;
}

static void *suspend(void *which, void *value) {
  struct coroutine *co = which;
  co->value = value;
  swapcontext(&co->here, &co->resumer);
  return co->value;
}

SIGSWEEP_ADAPTER(self, "mine", "0.1", create, resume, suspend) {
  static const char *const code[] = {"trace", "sym:swapcontext", "sym:setcontext", NULL};
  self->promises = SIGSWEEP_PASSES_VALUE | SIGSWEEP_NESTS | SIGSWEEP_KEEPS_MASK;
  self->code = code; /* drop this, unless the switch lies in the C library */
  self->destroy = free;
}
