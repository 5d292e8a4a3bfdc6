// adapter_smoke FILE.so: does an adapter work at all, without a signal and without a runner? Three
// coroutines, one after the other, each resumed twice until its body returns. The last one has the
// index and the stack of the first. Values and order are checked.
// Where there is a symmetric switch, two more go on in each other.
//
// Exit status: 0 it works; 1 it does not; 2 the file is no adapter for this program.
#include <dlfcn.h>
#include <sigsweep_adapter.h>
#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

constexpr size_t kStackSize = 256 * 1024;
const struct sigsweep_adapter* adapter;
int steps;  // that bodies and the main program have made, together

__attribute__((format(printf, 2, 3), noreturn)) void die(int status, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::fputs("adapter: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  std::exit(status);
}

void* word(int value) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(value));
}

void expect_step(int step, const char* where) {
  if (steps++ != step) die(1, "%s: step %d, expected: %d", where, steps - 1, step);
}

void expect_value(void* value, int expected, const char* where) {
  if ((adapter->promises & SIGSWEEP_PASSES_VALUE) && value != word(expected)) {
    die(1, "%s: got the value %p, expected: %p", where, value, word(expected));
  }
}

// A switch with a fault may come back with the direction flag set, or without the registers that a
// call keeps. Neither is to spoil this program.
using Switch = void* (*)(void* co, void* value);
__attribute__((noinline)) void* switch_by(Switch how, void* co, void* value) {
  void* volatile got = how(co, value);
#if defined(__x86_64__)
  __asm__ volatile("cld" ::: "rbx", "r12", "r13", "r14", "r15", "memory", "cc");
#else
  __asm__ volatile("cld" ::: "ebx", "esi", "edi", "memory", "cc");
#endif
  return got;
}

struct Body {
  void* co;
  int first;  // the first of its steps and values
};

void body(void* arg) {
  const auto* b = static_cast<Body*>(arg);
  expect_step(b->first + 1, "body, when it is entered");
  void* value = switch_by(adapter->suspend, b->co, word(b->first + 0x100));
  expect_step(b->first + 3, "body, behind suspend");
  expect_value(value, b->first + 0x200, "suspend");
}

void run(unsigned index, void* stack) {
  static Body bodies[2];
  Body& b = bodies[index];
  b.first = steps;
  const bool owns = adapter->traits & SIGSWEEP_OWNS_STACKS;
  b.co = adapter->create(index, body, &b, owns ? nullptr : stack, owns ? 0 : kStackSize);
  if (b.co == nullptr) die(1, "create failed");
  expect_step(b.first, "main program, before the first resume");
  expect_value(switch_by(adapter->resume, b.co, word(0)), b.first + 0x100, "the first resume");
  expect_step(b.first + 2, "main program, behind the first resume");
  switch_by(adapter->resume, b.co, word(b.first + 0x200));
  expect_step(b.first + 4, "main program, behind the second resume");
  if (adapter->destroy != nullptr) adapter->destroy(b.co);
}

// A symmetric switch: the first coroutine goes on in the second, and the second in the first, which
// ends. The second is left where it is.
struct Pair {
  void *one, *other;
  int first;
};

void body_of_one(void* arg) {
  const auto* p = static_cast<Pair*>(arg);
  expect_step(p->first + 1, "body, when it is entered");
  void* value = adapter->transfer(p->one, p->other, word(1));
  expect_step(p->first + 3, "body, behind transfer");
  expect_value(value, 2, "transfer");
}

void body_of_other(void* arg) {
  const auto* p = static_cast<Pair*>(arg);
  expect_step(p->first + 2, "the other body, when it is entered");
  adapter->transfer(p->other, p->one, word(2));
  die(1, "the other body: transfer came back");
}

void run_transfer(void* const* stacks) {
  static Pair pair;
  pair.first = steps;
  pair.one = adapter->create(0, body_of_one, &pair, stacks[0], kStackSize);
  pair.other = adapter->create(1, body_of_other, &pair, stacks[1], kStackSize);
  if (pair.one == nullptr || pair.other == nullptr) die(1, "create failed");
  expect_step(pair.first, "main program, before resume");
  switch_by(adapter->resume, pair.one, word(0));
  expect_step(pair.first + 4, "main program, behind resume");
}

const struct sigsweep_adapter* load(const char* file) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) die(2, "%s", dlerror());
  void* symbol = dlsym(library, "sigsweep_adapter");
  if (symbol == nullptr) die(2, "%s: defines no sigsweep_adapter()", file);
  const auto* found = reinterpret_cast<const struct sigsweep_adapter* (*)()>(symbol)();
  if (found == nullptr) die(2, "%s: sigsweep_adapter() returned null", file);
  if (found->abi != SIGSWEEP_ADAPTER_ABI) {
    die(2, "%s: made for version %u of sigsweep_adapter.h; allowed: %u", file, found->abi,
        SIGSWEEP_ADAPTER_ABI);
  }
  if (found->size < sizeof *found) {
    die(2, "%s: its struct sigsweep_adapter has %u bytes; expected: %zu", file, found->size,
        sizeof *found);
  }
  return found;
}

void* make_stack() {
  void* stack =
      mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) die(1, "cannot map a stack");
  return stack;
}

void declare_stack(void*, void*, size_t) {}
void fail(const char* why) {
  die(1, "the library failed: %s", why);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) die(2, "usage: adapter_smoke FILE.so");
  adapter = load(argv[1]);
  const struct sigsweep_host host = {SIGSWEEP_ADAPTER_ABI, sizeof host, declare_stack, fail};
  if (adapter->begin != nullptr && adapter->begin(&host) != 0) die(1, "begin failed");
  void* stacks[] = {make_stack(), make_stack()};
  for (unsigned index : {0U, 1U, 0U}) run(index, stacks[index]);
  if (adapter->transfer != nullptr) run_transfer(stacks);
  if (adapter->end != nullptr) adapter->end();
  std::printf("%s %s works: %d steps\n", adapter->name, adapter->version, steps);
  return 0;
}
