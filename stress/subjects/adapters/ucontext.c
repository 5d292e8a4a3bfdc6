/* glibc's makecontext and swapcontext (in libc6 itself).
 *
 * Promised: KEEPS_MASK, by POSIX. KEEPS_FPENV on amd64, whose swapcontext saves MXCSR and the x87 environment; that of
 * 386 leaves MXCSR out. UNWINDS_TO_ENTRY, because makecontext has the entry's call frame information end the stack.
 * NESTS, because a context is one struct. PASSES_VALUE: through memory, beside the switch.
 * Not promised: HANDLER_SWITCHES, because POSIX does not list swapcontext as async-signal-safe; MIGRATES. */
#define _GNU_SOURCE
#include <gnu/libc-version.h>
#include <sigsweep_adapter.h>
#include <stdlib.h>
#include <ucontext.h>

struct co {
  ucontext_t here, back; /* of the coroutine, and of whoever resumed it, while they wait */
  void (*body)(void *);
  void *arg, *value; /* value: on its way */
};

static void *swap(struct co *co, ucontext_t *from, ucontext_t *to, void *value) {
  co->value = value;
  swapcontext(from, to);
  return co->value;
}
static void *resume(void *c, void *value) { struct co *co = c; return swap(co, &co->back, &co->here, value); }
static void *suspend(void *c, void *value) { struct co *co = c; return swap(co, &co->here, &co->back, value); }

/* makecontext passes ints. When this returns, uc_link goes on: by setcontext. */
static void entry(unsigned low, unsigned high) {
  struct co *co = (struct co *)(uintptr_t)((uint64_t)high << 32 | low);
  co->body(co->arg);
}
static void make(struct co *co, void *stack, size_t size) {
  getcontext(&co->here);
  co->here.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
  co->here.uc_link = &co->back;
  makecontext(&co->here, (void (*)(void))entry, 2, (unsigned)(uintptr_t)co, (unsigned)((uint64_t)(uintptr_t)co >> 32));
}
static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct co *co = calloc(1, sizeof *co);
  (void)index;
  if (!co) return NULL;
  co->body = body;
  co->arg = arg;
  make(co, stack, size);
  return co;
}

const struct sigsweep_adapter *sigsweep_adapter(void) {
  static const char *const code[] = {"trace", "sym:swapcontext", "sym:setcontext", NULL}; /* "trace" has no libc */
  static struct sigsweep_adapter adapter = {
      .abi = SIGSWEEP_ADAPTER_ABI, .size = sizeof adapter, .name = "ucontext", .code = code,
      .promises = SIGSWEEP_KEEPS_MASK | SIGSWEEP_NESTS | SIGSWEEP_UNWINDS_TO_ENTRY | SIGSWEEP_PASSES_VALUE,
      .create = create, .resume = resume, .suspend = suspend, .destroy = free};
  adapter.version = gnu_get_libc_version();
#ifdef __x86_64__
  adapter.promises |= SIGSWEEP_KEEPS_FPENV;
#endif
  return &adapter;
}
