// Boost.Context's class fiber (Debian: libboost-context-dev): a switch with frames of its own.
//
// Promised: what boost_context.c promises of the jump below. Not promised: backtraces, and C++
// exceptions that are under way across a switch. A body that returns ends by ontop_fcontext.
#include <sigsweep_adapter.h>

#include <boost/context/fiber.hpp>
#include <boost/version.hpp>

using boost::context::fiber, boost::context::stack_context;

struct Coroutine {
  fiber here, back;  // of the coroutine, and of whoever resumed it, while they wait
  void* value;       // on its way
};

struct Lent {  // a stack that is not the fiber's to free
  stack_context allocate() { return {}; }
  void deallocate(stack_context&) noexcept {}
};

static void* pass(void* co, fiber& to, void* value) {
  static_cast<Coroutine*>(co)->value = value;
  to = std::move(to).resume();
  return static_cast<Coroutine*>(co)->value;
}
static void* resume(void* co, void* value) {
  return pass(co, static_cast<Coroutine*>(co)->here, value);
}
static void* suspend(void* co, void* value) {
  return pass(co, static_cast<Coroutine*>(co)->back, value);
}

static void* create(unsigned, void (*body)(void*), void* arg, void* stack, size_t size) {
  auto* co = new Coroutine{};
  stack_context lent;
  lent.sp = static_cast<char*>(stack) + size;
  lent.size = size;
  const auto run = [co, body, arg](fiber&& back) {
    co->back = std::move(back);
    body(arg);
    return std::move(co->back);
  };
  co->here =
      fiber(std::allocator_arg, boost::context::preallocated(lent.sp, size, lent), Lent{}, run);
  return co;
}

const struct sigsweep_adapter* sigsweep_adapter() {
  static struct sigsweep_adapter a {};
  a.abi = SIGSWEEP_ADAPTER_ABI, a.size = sizeof a, a.name = "boost_fiber",
  a.version = BOOST_LIB_VERSION;
  a.promises = SIGSWEEP_KEEPS_FPENV | SIGSWEEP_NESTS | SIGSWEEP_MIGRATES |
               SIGSWEEP_HANDLER_SWITCHES | SIGSWEEP_PASSES_VALUE;
  a.create = create, a.resume = resume, a.suspend = suspend;
  a.destroy = [](void* co) { delete static_cast<Coroutine*>(co); };
  return &a;
}
