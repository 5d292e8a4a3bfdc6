/* sigsweep_adapter.h: everything that the author of a stack switch writes for sigsweep.
 *
 * An adapter is one shared object that defines sigsweep_adapter(). It tells sigsweep how a library
 * makes a coroutine, enters it and leaves it. sigsweep does the rest: it finds the switch's code,
 * lands a signal at each of its instructions, and says what breaks.
 *
 *   cc -shared -fPIC -o mine.so mine.c -lmine
 *   sigsweep adapter check ./mine.so       no signal yet: what sigsweep sees of the library
 *   sigsweep sweep --adapter ./mine.so     the answer
 *
 * C99. Includes nothing of sigsweep. `sigsweep adapter new` prints a skeleton to start from, and
 * with --explained one in which each choice is explained.
 */
#ifndef SIGSWEEP_ADAPTER_H
#define SIGSWEEP_ADAPTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIGSWEEP_ADAPTER_ABI 1

/* Promises. Each one that is given is checked, and a breach is a finding (exit status 1). What is
 * not promised is only observed: it is shown, and never fails a run. */
#define SIGSWEEP_KEEPS_FPENV (1u << 0) /* each coroutine keeps its MXCSR and x87 control word */
#define SIGSWEEP_KEEPS_MASK (1u << 1)  /* each coroutine has a signal mask of its own */
#define SIGSWEEP_NESTS (1u << 2)       /* a coroutine may resume another */
#define SIGSWEEP_HANDLER_SWITCHES (1u << 3)  /* a handler may resume a coroutine of its own */
#define SIGSWEEP_HANDLER_REFUSED (1u << 4)   /* ... or gets SIGSWEEP_REFUSED, nothing changed */
#define SIGSWEEP_MIGRATES (1u << 5)          /* may be resumed on another thread */
#define SIGSWEEP_UNWINDS_TO_CALLER (1u << 6) /* a backtrace in a body goes on in its resumer */
#define SIGSWEEP_UNWINDS_TO_ENTRY (1u << 7)  /* a backtrace in a body ends cleanly at its entry */
#define SIGSWEEP_PASSES_VALUE (1u << 8) /* resume and suspend carry `value` to the other side */

/* Traits: how the library is made, so that sigsweep does not assume anything else. */
#define SIGSWEEP_OWNS_STACKS (1u << 0)   /* create() makes the stack, and tells host->stack() */
#define SIGSWEEP_COPIES_STACKS (1u << 1) /* several coroutines take turns at the same addresses */
#define SIGSWEEP_SCHEDULES (1u << 2)     /* resume goes through a run queue */
#define SIGSWEEP_SETS_SIGNALS (1u << 3)  /* create() uses a signal, or sets the alternate stack */

/* What resume() returns from a signal handler that SIGSWEEP_HANDLER_REFUSED speaks of. */
#define SIGSWEEP_REFUSED ((void*)-1)

/* sigsweep's side. Valid from begin() until end(); without begin(), ask for it by declaring one. */
struct sigsweep_host {
  uint32_t abi, size; /* SIGSWEEP_ADAPTER_ABI and the size of this struct, as sigsweep was built */
  /* Declares the stack [lowest, lowest + size) of `co`. A null `co`: of the library itself, as a
   * scheduler's. Needed for each stack on which SP may lie and that sigsweep did not give. */
  void (*stack)(void* co, void* lowest, size_t size);
  /* The library failed, and no signal is to blame: sigsweep ends with status 3 and says why. */
  void (*fail)(const char* why);
};

struct sigsweep_adapter {
  uint32_t abi, size;        /* SIGSWEEP_ADAPTER_ABI, sizeof(struct sigsweep_adapter) */
  const char* name;          /* of the library: letters, digits, '-', '_', '.', '+' */
  const char* version;       /* the same */
  uint32_t promises, traits; /* of the lists above */
  /* The code in which signals land. Null: what is executed on the way from resume() to the body and
   * back, but for the C library's. Else a list that ends with null: "sym:NAME", "sec:NAME",
   * "libx.so+0x10-0x40" (file offsets as linked); "trace" adds what null finds; a leading '!'
   * leaves out. */
  const char* const* code;

  /* ---- required
   * create: a coroutine that will run body(arg). `index` counts the coroutines that exist at once.
   * `stack` has `size` bytes, from its lowest address; both are 0 with SIGSWEEP_OWNS_STACKS. Null:
   * it failed. After the body has returned (and destroy() was called, where there is one),
   * sigsweep may create another with the same index and stack. */
  void* (*create)(unsigned index, void (*body)(void*), void* arg, void* stack, size_t size);
  /* Runs `co` until it suspends or its body returns. Returns the value that it passed; any value
   * after the body has returned. Runs while signals land: it switches, and allocates nothing. */
  void* (*resume)(void* co, void* value);
  /* Called in the body of `co`: goes back to whoever resumed it. Returns the value of the next
   * resume(). Runs while signals land. */
  void* (*suspend)(void* co, void* value);

  /* ---- optional: null
   * begin: called once on each thread that switches, before anything else. Not 0: it failed.
   * end: called before a further thread ends. Not on the first one: the process ends with its
   * coroutines unfinished, and runs no destructor. */
  int (*begin)(const struct sigsweep_host* host);
  void (*end)(void);
  /* Called in the body of `from`: goes on in `to`, another coroutine, which was created but not
   * entered yet or has itself called transfer(). Returns when someone transfers back to `from`. */
  void* (*transfer)(void* from, void* to, void* value);
  /* Called after the body of `co` has returned. Never while signals land. */
  void (*destroy)(void* co);
  /* The coroutine that the library believes to be running; null, or any value of its own, if none
   * is. Async-signal-safe. */
  void* (*current)(void);
};

/* The one symbol that sigsweep looks up. The struct stays valid and unchanged for ever. */
const struct sigsweep_adapter* sigsweep_adapter(void);

/* Defines it, in C and in C++, with the five fields that are always given. The block behind it sets
 * the others by `self`; what it does not set is 0.
 *
 *   SIGSWEEP_ADAPTER(self, "mine", "1.0", create, resume, suspend) {
 *     self->promises = SIGSWEEP_NESTS;
 *   }
 */
#define SIGSWEEP_ADAPTER(self, of_library, of_version, to_create, to_resume, to_suspend) \
  static void sigsweep_fill_in(struct sigsweep_adapter* self);                           \
  const struct sigsweep_adapter* sigsweep_adapter(void) {                                \
    static struct sigsweep_adapter filled;                                               \
    filled.abi = SIGSWEEP_ADAPTER_ABI;                                                   \
    filled.size = sizeof filled;                                                         \
    filled.name = of_library;                                                            \
    filled.version = of_version;                                                         \
    filled.create = to_create;                                                           \
    filled.resume = to_resume;                                                           \
    filled.suspend = to_suspend;                                                         \
    sigsweep_fill_in(&filled);                                                           \
    return &filled;                                                                      \
  }                                                                                      \
  static void sigsweep_fill_in(struct sigsweep_adapter* self)

#ifdef __cplusplus
}
#endif

#endif
