/* An adapter over glibc's swapcontext with one mistake, by macro: mistakes.def says which, and what sigsweep must say. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sigsweep_adapter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum mistake {
#define MISTAKE(name, ...) name,
#include "stress/subjects/adapters/mistakes/mistakes.def"
  NONE
};
#ifndef THIS
#define THIS NONE
#endif
#define IS(name) (THIS == (name))

enum { kSize = 64 * 1024 };
struct co {
  ucontext_t here, back;
  void (*body)(void *);
  void *arg, *value;
};

static const struct sigsweep_host *host;
static void *volatile kept;

static void on_signal(int signal) { (void)signal; }

static void *wait_for_ever(void *unused) {
  for (;;) pause();
  return unused;
}

/* What begin() does to the process. */
static void change_process(void) {
  static char stack[kSize];
  const stack_t alternate = {.ss_sp = stack, .ss_size = kSize};
  pthread_t thread;
  if (IS(SETS_SIGTRAP)) signal(SIGTRAP, on_signal);
  if (IS(IGNORES_SIGTRAP)) signal(SIGTRAP, SIG_IGN);
  if (IS(SETS_SIGSEGV)) signal(SIGSEGV, on_signal);
  if (IS(SETS_ALTERNATE_STACK)) sigaltstack(&alternate, NULL);
  if (IS(STARTS_A_THREAD)) pthread_create(&thread, NULL, wait_for_ever, NULL);
  if (IS(STARTS_A_PROCESS) && fork() == 0) { /* and it leaves its group */
    setsid();
    wait_for_ever(NULL);
  }
  if (IS(PRINTS_RECORDS)) printf("done\nproblem what=printed where=here\ntrouble message=printed\n");
  if (IS(CLOSES_STREAMS)) {
    close(0);
    close(1);
    close(2);
  }
}

static int begin(const struct sigsweep_host *given) {
  host = given;
  change_process();
  if (IS(LIBRARY_FAILS)) host->fail("out of switches");
  return IS(BEGIN_FAILS);
}

static void *swap(struct co *co, ucontext_t *from, ucontext_t *to, void *value) {
  co->value = value;
  swapcontext(from, to);
  return IS(ANOTHER_VALUE) ? (void *)1 : co->value;
}
static void *resume(void *c, void *value) {
  struct co *co = c;
  if (IS(RESUME_ALLOCATES)) kept = malloc(16);
  if (IS(IGNORES_SIGPROF)) signal(SIGPROF, SIG_IGN);
  if (IS(WAITS_FOR_EVER)) wait_for_ever(NULL);
  if (IS(RESUME_CRASHES)) *(volatile int *)0 = 1;
  while (IS(NEVER_COMES_BACK)) {
  }
  return swap(co, &co->back, &co->here, value);
}
static void *suspend(void *c, void *value) {
  struct co *co = c;
  if (IS(SUSPEND_FREES)) free(kept);
  if (IS(LOSES_MASK)) sigemptyset(&co->here.uc_sigmask);
  void *got = swap(co, &co->here, &co->back, value);
  if (IS(LOSES_MASK)) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
  }
  return got;
}

static void entry(unsigned low, unsigned high) {
  struct co *co = (struct co *)(uintptr_t)((uint64_t)high << 32 | low);
  co->body(co->arg);
  if (IS(BODY_DOES_NOT_COME_BACK)) __builtin_trap();
  if (IS(BODY_ENDS_THE_PROCESS)) exit(0);
}

static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct co *co = calloc(1, sizeof *co);
  (void)index;
  if (IS(CREATE_FAILS)) return NULL;
  if (IS(CREATE_ABORTS)) abort();
  if (IS(SETS_SIGTRAP_IN_CREATE)) signal(SIGTRAP, on_signal);
  if (IS(STACK_NOT_DECLARED)) {
    size = kSize;
    stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  co->body = body;
  co->arg = arg;
  getcontext(&co->here);
  co->here.uc_stack = (stack_t){.ss_sp = stack, .ss_size = size};
  co->here.uc_link = &co->back;
  makecontext(&co->here, (void (*)(void))entry, 2, (unsigned)(uintptr_t)co, (unsigned)((uint64_t)(uintptr_t)co >> 32));
  return co;
}

__attribute__((constructor)) static void loaded(void) {
  if (IS(CONSTRUCTOR_ABORTS)) abort();
}

#ifdef NO_FUNCTION
__attribute__((visibility("hidden")))
#endif
const struct sigsweep_adapter *sigsweep_adapter(void) {
  static const char *const whole[] = {"trace", "!sym:swapcontext", "!sym:setcontext", NULL};
  static const char *const nowhere[] = {"sym:nowhere", NULL};
  static const char *const header[] = {"trace", "!libc.so.6+0x1-0x2", NULL};
  static const char *const nothing[] = {"!trace", NULL};
  static struct sigsweep_adapter adapter = {
      .abi = SIGSWEEP_ADAPTER_ABI, .size = sizeof adapter, .name = "mistake", .version = "1",
      .promises = SIGSWEEP_KEEPS_MASK | SIGSWEEP_PASSES_VALUE,
      .create = create, .resume = resume, .suspend = suspend, .begin = begin, .destroy = free};
  if (IS(NULL_ADAPTER)) return NULL;
  if (IS(NEWER_ABI)) adapter.abi++;
  if (IS(NO_SIZE)) adapter.size = 0;
  if (IS(NO_RESUME)) adapter.resume = NULL;
  if (IS(NAME_WITH_A_BLANK)) adapter.name = "a name";
  if (IS(UNKNOWN_PROMISE)) adapter.promises |= 1u << 30;
  if (!IS(SWITCH_LEFT_OUT)) adapter.code = whole;
  if (IS(CODE_THAT_IS_NOT_THERE)) adapter.code = nowhere;
  if (IS(RANGE_WITHOUT_CODE)) adapter.code = header;
  if (IS(NO_CODE_LEFT)) adapter.code = nothing;
  if (IS(STACK_NOT_DECLARED)) adapter.traits |= SIGSWEEP_OWNS_STACKS;
  return &adapter;
}
