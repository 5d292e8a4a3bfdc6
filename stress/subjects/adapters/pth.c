/* GNU Pth's user-space contexts: pth_uctx_switch (Debian: libpth-dev). They are its switch without its scheduler.
 * The adapter pth_yield goes through the scheduler.
 *
 * Promised: KEEPS_MASK: pth_uctx_make takes a mask of the context's own, and on Linux the switch is swapcontext.
 * KEEPS_FPENV on amd64, for that reason. NESTS, because a context is one struct.
 * PASSES_VALUE: through memory, beside the switch.
 * Not promised: backtraces, handlers, threads. Pth's manual speaks of none of them for these contexts. */
#define _GNU_SOURCE
#include <pth.h>
#include <sigsweep_adapter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct co {
  pth_uctx_t here, back; /* of the coroutine, and of whoever resumed it, while they wait */
  void (*body)(void *);
  void *arg, *value; /* value: on its way */
};

static void *swap(struct co *co, pth_uctx_t from, pth_uctx_t to, void *value) {
  co->value = value;
  pth_uctx_switch(from, to);
  return co->value;
}
static void *resume(void *c, void *value) { struct co *co = c; return swap(co, co->back, co->here, value); }
static void *suspend(void *c, void *value) { struct co *co = c; return swap(co, co->here, co->back, value); }

static void entry(void *c) { struct co *co = c; co->body(co->arg); } /* then Pth switches to `back` */

static void destroy(void *c) {
  struct co *co = c;
  pth_uctx_destroy(co->here);
  pth_uctx_destroy(co->back);
  free(co);
}
static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct co *co = calloc(1, sizeof *co);
  sigset_t mask;
  (void)index;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  if (!co || !pth_uctx_create(&co->here) || !pth_uctx_create(&co->back)) return NULL;
  co->body = body;
  co->arg = arg;
  return pth_uctx_make(co->here, stack, size, &mask, entry, co, co->back) ? co : NULL;
}

const struct sigsweep_adapter *sigsweep_adapter(void) {
  static const char *const code[] = {"trace", "sym:swapcontext", NULL}; /* "trace" has no libc */
  static char version[16];
  static struct sigsweep_adapter adapter = {
      .abi = SIGSWEEP_ADAPTER_ABI, .size = sizeof adapter, .name = "pth", .version = version, .code = code,
      .promises = SIGSWEEP_KEEPS_MASK | SIGSWEEP_KEEPS_FPENV | SIGSWEEP_NESTS | SIGSWEEP_PASSES_VALUE,
      .create = create, .resume = resume, .suspend = suspend, .destroy = destroy};
  const long v = pth_version(); /* 0xVRRTLL */
  snprintf(version, sizeof version, "%lx.%lx.%lx", v >> 20, v >> 12 & 0xff, v & 0xff);
  return &adapter;
}
