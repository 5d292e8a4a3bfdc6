/* Boost.Context: jump_fcontext of the package's shared library (Debian: libboost-context-dev).
 *
 * Promised: KEEPS_FPENV, because it saves MXCSR and the x87 control word. NESTS, MIGRATES and HANDLER_SWITCHES, because
 * a context is nothing but a stack pointer. PASSES_VALUE, by its second argument.
 * Not promised: backtraces, because the assembly has no call frame information. */
#include <boost/version.hpp> /* macros alone */
#include <sigsweep_adapter.h>
#include <stdlib.h>

typedef struct { void *context, *data; } transfer_t; /* as in boost/context/detail/fcontext.hpp, which is C++ */
extern transfer_t jump_fcontext(void *to, void *data);
extern void *make_fcontext(void *top, size_t size, void (*entry)(transfer_t));

struct co {
  void *here, *back; /* the contexts of the coroutine, and of whoever resumed it, while they wait */
  void (*body)(void *);
  void *arg;
};
struct message { struct co *co; void **left, *value; }; /* left: where the context that jumped is kept */

static void *receive(transfer_t from) {
  struct message *message = from.data;
  *message->left = from.context;
  return message->value;
}
static void *jump(struct co *co, void **left, void *to, void *value) {
  struct message message = {co, left, value};
  return receive(jump_fcontext(to, &message));
}

static void *resume(void *c, void *value) { struct co *co = c; return jump(co, &co->back, co->here, value); }
static void *suspend(void *c, void *value) { struct co *co = c; return jump(co, &co->here, co->back, value); }
static void *transfer(void *f, void *t, void *value) {
  struct co *from = f, *to = t;
  to->back = from->back; /* the resumer goes on when `to` suspends or ends */
  return jump(to, &from->here, to->here, value);
}

static void entry(transfer_t from) {
  struct co *co = ((struct message *)from.data)->co;
  receive(from);
  co->body(co->arg);
  suspend(co, NULL);
}
static void *create(unsigned index, void (*body)(void *), void *arg, void *stack, size_t size) {
  struct co *co = malloc(sizeof *co);
  (void)index;
  if (co) *co = (struct co){make_fcontext((char *)stack + size, size, entry), NULL, body, arg};
  return co;
}

const struct sigsweep_adapter *sigsweep_adapter(void) {
  static const struct sigsweep_adapter adapter = {
      .abi = SIGSWEEP_ADAPTER_ABI, .size = sizeof adapter, .name = "boost_context", .version = BOOST_LIB_VERSION,
      .promises = SIGSWEEP_KEEPS_FPENV | SIGSWEEP_NESTS | SIGSWEEP_MIGRATES | SIGSWEEP_HANDLER_SWITCHES |
                  SIGSWEEP_PASSES_VALUE,
      .create = create, .resume = resume, .suspend = suspend, .transfer = transfer, .destroy = free};
  return &adapter;
}
