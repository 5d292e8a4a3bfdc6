/* The adapter around each planted switch: planted_switch, in a file of assembly. planted.inc has the contract. */
#define _GNU_SOURCE
#include <errno.h>
#include <sigsweep_adapter.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
#define PLANTED(name, file, isas, promises, ...) PROMISES_##name = (promises),
#include "stress/subjects/adapters/planted/planted.def"
};
#define JOIN(a, b) a##b
#define PROMISES_OF(name) JOIN(PROMISES_, name)
#define STRING(name) #name
#define STRING_OF(name) STRING(name)

#ifdef __x86_64__
enum { REGISTERS = 6, CO = 2, RUN = 3 }; /* r13, r12 */
#else
enum { REGISTERS = 4, CO = 0, RUN = 1 }; /* ebx, esi */
#endif

struct saved {
  uint32_t mxcsr, x87;
  void *registers[REGISTERS];
};
struct frame { /* of a context that waits, at SP */
  struct saved saved;
  void (*return_address)(void);
};
static struct {
  void *scratch, *guard, *current;
  int *errno_address; /* of the thread that creates */
} shared;
struct context {
  void *sp;
  struct saved saved; /* from here on, of use to few */
  void (*return_address)(void);
  uint64_t mask;
  void *shared;
};
struct co {
  struct context here, back; /* of the coroutine, and of whoever resumed it, while they wait */
  void (*body)(void *);
  void *arg;
};

#define HIDDEN __attribute__((visibility("hidden")))
#ifdef __x86_64__
#define IN_REGISTERS
#else /* no pushes: clang 14 puts their call frame information an instruction too late */
#define IN_REGISTERS __attribute__((regparm(3)))
#endif
HIDDEN IN_REGISTERS extern void *planted_switch(struct context *from, struct context *to, void *value);
HIDDEN extern void planted_entry(void);

static void *resume(void *c, void *value) {
  struct co *co = c;
  return planted_switch(&co->back, &co->here, value);
}

static void *suspend(void *c, void *value) {
  struct co *co = c;
  return planted_switch(&co->here, &co->back, value);
}

static void run(void *c) {
  struct co *co = c;
  co->body(co->arg);
  planted_switch(&co->here, &co->back, NULL);
}

static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  /* 256 bytes stay free above it: a wrong unwind reads there. SP at the entry is aligned to 16 bytes. */
  const uintptr_t top = ((uintptr_t)stack + size - 256) & ~(uintptr_t)15;
  struct frame *frame = (struct frame *)top - 1;
  struct co *co = calloc(1, sizeof *co);
  sigset_t mask;
  (void)index;
  if (co == NULL || sigprocmask(SIG_SETMASK, NULL, &mask) != 0) return NULL;
  co->body = body;
  co->arg = arg;
  frame->saved = (struct saved){0};
  __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(frame->saved.mxcsr), "=m"(frame->saved.x87));
  frame->saved.registers[CO] = co;
  frame->saved.registers[RUN] = (void *)(uintptr_t)run;
  frame->return_address = planted_entry;
  co->here.sp = frame;
  co->here.saved = frame->saved;
  co->here.return_address = planted_entry;
  co->here.shared = co->back.shared = &shared;
  shared.errno_address = &errno;
  memcpy(&co->here.mask, &mask, sizeof co->here.mask); /* the kernel's size of it */
  return co;
}

#ifdef HAS_CURRENT
static void *current(void) { return shared.current; }
#endif

const struct sigsweep_adapter *sigsweep_adapter(void) {
  static struct sigsweep_adapter adapter = {.abi = SIGSWEEP_ADAPTER_ABI,
                                            .size = sizeof adapter,
                                            .name = "planted-" STRING_OF(PLANTED_NAME),
                                            .version = PLANTED_VERSION,
                                            .promises = PROMISES_OF(PLANTED_NAME),
                                            .create = create,
                                            .resume = resume,
                                            .suspend = suspend,
                                            .destroy = free};
#ifdef HAS_CURRENT
  adapter.current = current;
#endif
  return &adapter;
}
