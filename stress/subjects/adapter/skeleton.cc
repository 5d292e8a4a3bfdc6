// An adapter for sigsweep. It works as it is, over ucontext of the C library: put your own there.
// sigsweep_adapter.h has every promise, trait and function; --explained prints this with comments.
//
//   @COMPILE_CXX@
//   sigsweep adapter check ./mine.so
//   sigsweep sweep --adapter ./mine.so
#include <sigsweep_adapter.h>
#include <ucontext.h>

#include <new>

struct Coroutine {
  ucontext_t here, resumer;  // where each goes on
  void* value;               // on its way to the other side
  void (*body)(void*);
  void* arg;
};

static void entry(unsigned high, unsigned low) {  // a pointer in two halves
  const auto self = static_cast<uintptr_t>(static_cast<uint64_t>(high) << 32 | low);
  auto* const co = reinterpret_cast<Coroutine*>(self);
  co->body(co->arg);  // then resume() must return: here by uc_link
}

static void* create(unsigned, void (*body)(void*), void* arg, void* stack, size_t size) {
  auto* const co = new (std::nothrow) Coroutine{{}, {}, nullptr, body, arg};
  if (co == nullptr || getcontext(&co->here) != 0) return nullptr;
  const auto self = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(co));
  co->here.uc_stack.ss_sp = stack;
  co->here.uc_stack.ss_size = size;
  co->here.uc_link = &co->resumer;
  makecontext(&co->here, reinterpret_cast<void (*)()>(entry), 2, static_cast<unsigned>(self >> 32),
              static_cast<unsigned>(self));
  return co;
}

// Signals land in these two: no allocation, no lock, no exception.
static void* resume(void* which, void* value) {
  auto* const co = static_cast<Coroutine*>(which);
  co->value = value;
  swapcontext(&co->resumer, &co->here);
  return co->value;
}

static void* suspend(void* which, void* value) {
  auto* const co = static_cast<Coroutine*>(which);
  co->value = value;
  swapcontext(&co->here, &co->resumer);
  return co->value;
}

SIGSWEEP_ADAPTER(self, "mine", "0.1", create, resume, suspend) {
  static const char* const code[] = {"trace", "sym:swapcontext", "sym:setcontext", nullptr};
  self->promises = SIGSWEEP_PASSES_VALUE | SIGSWEEP_NESTS | SIGSWEEP_KEEPS_MASK;
  self->code = code;  // drop this, unless the switch lies in the C library
  self->destroy = [](void* co) { delete static_cast<Coroutine*>(co); };
}
