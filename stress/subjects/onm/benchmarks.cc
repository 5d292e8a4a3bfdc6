// The benchmarks of the Go subject, one row each: where the loop runs, and the work of a round.
#include "stress/subjects/onm/benchmarks.h"

#include <signal.h>

#include <iterator>

#include "runtime/slots.h"
#include "runtime/stubs.h"

namespace sigsweep::onm {
namespace {

using runtime::Closure;
using runtime::FuncVal;
using runtime::G;
using runtime::Word;

constexpr int kSignal = SIGVTALRM;  // no schedule may name it: the handler is ours

void nothing() {
  asm volatile("");
}
void back(G* gp) {
  runtime::gogo(&gp->sched);
}
const FuncVal nothing_fn = runtime::funcval(nothing);
const FuncVal back_fn = runtime::funcval(back);

// An argument and a result by closure, as a call site passes them.
struct Adder {
  Closure closure;
  Word in, out;
};
void add_one(Closure* closure, G*) {
  auto* adder = reinterpret_cast<Adder*>(closure);
  adder->out = adder->in + 1;
}

// ---- rounds

void call() {
  const FuncVal* fn = &nothing_fn;
  asm volatile("" : "+r"(fn));  // a call through the pointer, as the stubs make it
  fn->fn();
}
void on_m() {
  runtime::onM(&nothing_fn);
}
void on_m_unchecked() {
  runtime::onM_legacy(&nothing_fn);
}
void signalok() {
  runtime::onM_signalok(&nothing_fn);
}
void signalok_saved() {
  runtime::M* const mp = runtime::getg()->m;
  runtime::SavedSlots saved;
  runtime::saveslots(mp, &saved);
  runtime::onM_signalok(&nothing_fn);
  runtime::restoreslots(mp, &saved);
}
template <void (*kEnter)(const FuncVal*)>
void closure() {
  Adder adder{{{runtime::closurethunk}, add_one}, 1, 0};
  kEnter(&adder.closure.head);
  asm volatile("" : : "r"(adder.out));
}
void mcall_gogo() {
  runtime::cmcall(&back_fn);
}
// The work of mcall and gogo without the change of stacks: save g's state in g, call fn with g as
// the ABI has it, and jump back. It uses g itself: like mcall, each round waits for the one before.
[[gnu::noinline]] void gosave_gogo() {
  static volatile bool gone;  // not in a register: gosave returns twice
  gone = false;
  G* const gp = runtime::getg();
  runtime::gosave(&gp->sched);
  if (gone) return;
  gone = true;
  void (*fn)(G*) = back;
  asm volatile("" : "+r"(fn));  // a call through the pointer, as mcall makes it
  fn(gp);
  __builtin_trap();  // makes it a call: after a jump fn would have this frame, which is needed
}

// ---- loops

struct Loop {
  void (*run)(std::uint64_t rounds);
  std::uint64_t rounds;
};
Loop loop;

template <void (*kRound)()>
void repeat(std::uint64_t rounds) {
  for (std::uint64_t i = 0; i < rounds; i++) kRound();
}

void run_loop() {
  loop.run(loop.rounds);
}
const FuncVal run_loop_fn = runtime::funcval(run_loop);

void on_curg() {
  run_loop();
}
void on_g0() {
  runtime::onM(&run_loop_fn);
}
void on_gsignal() {
  runtime::setsig(kSignal, [](int, void*, void*, G*) { run_loop(); });
  raise(kSignal);
}

struct Row {
  std::string_view name;
  void (*where)();
  void (*run)(std::uint64_t rounds);
};
constexpr Row kRows[] = {
    {"BM_call", on_curg, repeat<call>},
    {"BM_onM_curg", on_curg, repeat<on_m>},
    {"BM_onM_g0", on_g0, repeat<on_m>},
    {"BM_onM_signalok_gsignal", on_gsignal, repeat<signalok>},
    {"BM_signalok_saved", on_gsignal, repeat<signalok_saved>},
    {"BM_closure_gsignal", on_gsignal, repeat<closure<runtime::onM_signalok>>},
    {"BM_systemstack_curg", on_curg, repeat<closure<runtime::systemstack>>},
    {"BM_mcall_gogo", on_curg, repeat<mcall_gogo>},
    {"BM_onM_floor", on_curg, repeat<on_m_unchecked>},
    {"BM_mcall_floor", on_curg, repeat<gosave_gogo>},
};

std::string_view names[std::size(kRows)];

}  // namespace

std::span<const std::string_view> benchmark_names() {
  for (unsigned i = 0; i < std::size(kRows); i++) names[i] = kRows[i].name;
  return names;
}

void run_benchmark(unsigned index, std::uint64_t rounds, runtime::M* mp) {
  loop = Loop{kRows[index].run, rounds};
  static FuncVal fn;  // where amd64p32 can point at it
  fn = runtime::funcval(kRows[index].where);
  runtime::mreset(mp);
  runtime::newproc(&fn);
  runtime::mstart(mp);
}

}  // namespace sigsweep::onm
