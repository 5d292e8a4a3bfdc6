// The throws of the stubs, each in a child of its own.
#include <signal.h>
#include <unistd.h>

#include "runtime/stubs.h"
#include "stress/base/forked.h"
#include "stress/subjects/onm/contracts.h"
#include "stress/subjects/onm/contracts_check.h"

using runtime::FuncVal;
using runtime::getg;

extern "C" void contract_landing();

namespace sigsweep::onm {

void refuse_misaligned(const char*) {
  if (!aligned(ENTRY_SP())) _exit(1);
}

namespace {

void does_nothing() {}

void returns_from_mcall(G*) {}

void throw_badmcall() {
  const FuncVal fn = runtime::funcval(returns_from_mcall);
  runtime::cmcall(&fn);
}
void throw_badmcall_on_g0() {
  const FuncVal fn = runtime::funcval(throw_badmcall);
  runtime::onM(&fn);
}

void throw_badmcall2() {
  const FuncVal fn = runtime::funcval(returns_from_mcall);
  runtime::cmcall(&fn);
}

void throw_badonm() {
  const FuncVal fn = runtime::funcval(does_nothing);
  runtime::setg(the_m->gsignal);
  runtime::onM(&fn);
}

// A G of this M that is neither g0 nor curg nor gsignal, on the running stack. It lies above curg in
// memory, or below it: a stub must tell equal from unequal, and not the order.
void call_from_stranger(void (*stub)(const FuncVal*), bool above) {
  static G both[2];
  both[0] = both[1] = *getg();
  const FuncVal fn = runtime::funcval(does_nothing);
  the_m->curg = &both[above ? 0 : 1];
  runtime::setg(&both[above ? 1 : 0]);
  stub(&fn);
}
template <void (*stub)(const FuncVal*), bool above>
void throw_by_stranger() {
  call_from_stranger(stub, above);
}

void gogo_to_nil() {
  static Gobuf buf;
  buf = Gobuf{
      word(__builtin_frame_address(0)) - 2048, word(contract_landing), nullptr, 0, nullptr, 0};
  runtime::gogo(&buf);
}

Forked in_child(M* mp, void (*body)()) {
  return run_in_child([&] {
    runtime::throwhook = refuse_misaligned;
    run_as_g(mp, body);
  });
}

void check_throw(M* mp, void (*body)(), const char* message, const char* stub) {
  const Forked ended = in_child(mp, body);
  const std::string wrong = throw_problem(ended.output, ended.exit_status, message, stub, false);
  if (!wrong.empty() && problem.empty()) problem = wrong;
}

void check_gogo_nil(M* mp) {
  const Forked ended = in_child(mp, gogo_to_nil);
  expect(ended.signal == SIGSEGV || ended.exit_status == 1, "gogo: a nil g did not fault");
}

// badsignal is called by sigtramp, not jumped to: so a backtrace names that.
void refuse_stranger(const char*) {
  const void* const frame = __builtin_frame_address(0);
  if (!aligned(ENTRY_SP()) || !lies_in(return_address_of_caller(frame), runtime::sigtramp))
    _exit(1);
}

void check_badsignal(M*) {
  const Forked ended = run_in_child([] {
    runtime::throwhook = refuse_stranger;
    runtime::setsig(SIGPROF, nullptr);
    runtime::setg(nullptr);
    raise(SIGPROF);
  });
  const std::string line =
      "fatal: signal " + std::to_string(SIGPROF) + " on a thread without a g\n";
  expect(ended.output == line, "sigtramp: a nil g did not lead to badsignal's message");
  expect(ended.exit_status == 2, "sigtramp: badsignal did not exit with status 2");
}

const Contract kThrows[] = {
    {"gogo: nil g", check_gogo_nil},
    {"badonm",
     [](M* m) { check_throw(m, throw_badonm, "onM called from signal goroutine", "onM"); }},
    {"badonm, from a G that is not curg",
     [](M* m) {
       for (const auto body :
            {throw_by_stranger<runtime::onM, false>, throw_by_stranger<runtime::onM, true>}) {
         check_throw(m, body, "onM called from signal goroutine", "onM");
       }
     }},
    {"badsystemstack",
     [](M* m) {
       for (const auto body : {throw_by_stranger<runtime::systemstack, false>,
                               throw_by_stranger<runtime::systemstack, true>}) {
         check_throw(m, body, "systemstack called from unexpected goroutine", "systemstack");
       }
     }},
    {"badmcall",
     [](M* m) {
       check_throw(m, throw_badmcall_on_g0, "runtime: mcall called on m->g0 stack", "mcall");
     }},
    {"sigtramp, on a thread without a g", check_badsignal},
    {"badmcall2",
     [](M* m) { check_throw(m, throw_badmcall2, "runtime: mcall function returned", "mcall"); }},
};

}  // namespace

std::span<const Contract> throw_contracts() {
  return kThrows;
}

}  // namespace sigsweep::onm
