/* GNU Pth's threads: pth_spawn and pth_yield, through its scheduler (Debian: libpth-dev). The scheduler has a stack of its
 * own and blocks all signals while it runs.
 *
 * Promised: KEEPS_MASK and KEEPS_FPENV, because each switch is swapcontext. NESTS. PASSES_VALUE: through memory.
 * Not promised: backtraces; handlers: Pth's manual allows none of its calls in one; threads of the kernel: it knows one. */
#define _GNU_SOURCE
#include <pth.h>
#include <sigsweep_adapter.h>
#include <stdlib.h>

extern pth_t __pth_sched; /* exported, but in no header: the scheduler, as a thread */
static pth_t turn;        /* whose it is: Pth may run any thread that is ready */

struct co { pth_t thread, resumer; void (*body)(void *); void *arg, *value; }; /* value: on its way */

static void *go(struct co *co, pth_t from, pth_t to, void *value) {
  co->value = value;
  for (turn = to; turn != from;) pth_yield(turn);
  return co->value;
}
static void *resume(void *c, void *value) { struct co *co = c; return go(co, co->resumer = pth_self(), co->thread, value); }
static void *suspend(void *c, void *value) { struct co *co = c; return go(co, co->thread, co->resumer, value); }

static void *entry(void *c) {
  struct co *co = c;
  while (turn != co->thread) pth_yield(turn);
  co->body(co->arg);
  return turn = co->resumer;
}
static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct co *co = malloc(sizeof *co);
  pth_attr_t attr = pth_attr_new();
  (void)index;
  if (!co || !attr) return NULL;
  *co = (struct co){.body = body, .arg = arg};
  pth_attr_set(attr, PTH_ATTR_JOINABLE, FALSE);
  pth_attr_set(attr, PTH_ATTR_STACK_SIZE, (unsigned)size);
  pth_attr_set(attr, PTH_ATTR_STACK_ADDR, stack);
  co->thread = pth_spawn(attr, entry, co);
  pth_attr_destroy(attr);
  return co->thread ? co : NULL;
}
static int begin(const struct sigsweep_host *host) {
  unsigned size;
  char *stack;
  pth_attr_t attr = pth_init() ? pth_attr_of(__pth_sched) : NULL;
  if (!attr || !pth_attr_get(attr, PTH_ATTR_STACK_SIZE, &size) || !pth_attr_get(attr, PTH_ATTR_STACK_ADDR, &stack)) return 1;
  host->stack(NULL, stack, size);
  return 0;
}
const struct sigsweep_adapter *sigsweep_adapter(void) {
  static const char *const code[] = {"trace", "sym:swapcontext", NULL}; /* "trace" has no libc */
  static struct sigsweep_adapter adapter = {
      .abi = SIGSWEEP_ADAPTER_ABI, .size = sizeof adapter, .name = "pth_yield", .version = "2.0.7", .code = code,
      .promises = SIGSWEEP_KEEPS_MASK | SIGSWEEP_KEEPS_FPENV | SIGSWEEP_NESTS | SIGSWEEP_PASSES_VALUE,
      .traits = SIGSWEEP_SCHEDULES, .create = create, .resume = resume, .suspend = suspend, .destroy = free, .begin = begin};
  return &adapter;
}
