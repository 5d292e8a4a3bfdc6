// The contracts of the stubs, one check each. A check runs on the given M, from a fresh state. It
// compares the words that a stub stored with those of the original, and checks that the others
// stay.
#include "stress/subjects/onm/contracts.h"

#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "runtime/slots.h"
#include "runtime/stubs.h"
#include "stress/base/forked.h"
#include "stress/subjects/onm/callsites.h"

using runtime::Closure;
using runtime::FuncVal;
using runtime::G;
using runtime::getg;
using runtime::Gobuf;
using runtime::M;
using runtime::Word;

extern "C" {
Word landed[4];  // written by contract_landing
void contract_landing();
void contract_landed();
}

namespace sigsweep::onm {
namespace {

constexpr Word kRet = 0x1111, kOther = 0x5555;
Word ctxt_target;

// The first thing found wrong in the check under way. One thread.
std::string problem;
M* the_m;

void expect(bool holds, const char* what) {
  if (!holds && problem.empty()) problem = what;
}

Word word(const void* p) {
  return runtime::wordof(p);
}
template <class... Args>
Word word(void (*fn)(Args...)) {
  return runtime::wordof(fn);
}

void reset(M* mp) {
  the_m = mp;
  runtime::mreset(mp);
}

// Runs `body` as the only G of a fresh M, until no G is left.
void run_as_g(M* mp, void (*body)()) {
  reset(mp);
  static FuncVal fn;
  fn = runtime::funcval(body);
  runtime::newproc(&fn);
  runtime::mstart(mp);
}

// Runs `body` on g0 of a fresh M that has no G.
void run_idle(M* mp, void (*body)()) {
  reset(mp);
  static FuncVal fn;
  fn = runtime::funcval(body);
  mp->mstartfn = &fn;
  runtime::mstart(mp);
}

bool same(const Gobuf& a, const Gobuf& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// ---- the switches

void (*stub_under_test)(const FuncVal*);
Word bytes_kept;  // the stub leaves them at the top of g0's stack

// The values that a stub's fn saw.
struct Seen {
  int runs;
  Word g, entry_sp;
  Gobuf caller_sched, g0_sched;
  Closure* self;
  Word stored_return;  // the word that sched.sp points at
};
Seen seen;

// SP when the function with this frame was entered. If a call pushes its return address, SP points
// at it.
#define ENTRY_SP() (word(__builtin_frame_address(0)) + static_cast<Word>(sizeof(std::uintptr_t)))

bool aligned(Word entry_sp) {
  return (entry_sp + runtime::kReturnBytes) % runtime::kCallAlignment == 0;
}

// What the ABI gives to a callee, fn overwrites: a stub that counts on it goes wrong.
inline void spoil_scratch() {
#if defined(__x86_64__)
  asm volatile(
      "movl $0x5a5a5a5a, %%eax\n\tmovl %%eax, %%ecx\n\tmovl %%eax, %%edx\n\t"
      "movl %%eax, %%esi\n\tmovl %%eax, %%edi\n\tmovl %%eax, %%r8d\n\t"
      "movl %%eax, %%r9d\n\tmovl %%eax, %%r10d\n\tmovl %%eax, %%r11d" ::
          : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
#elif defined(__i386__)
  asm volatile("movl $0x5a5a5a5a, %%eax\n\tmovl %%eax, %%ecx\n\tmovl %%eax, %%edx" ::
                   : "eax", "ecx", "edx");
#elif defined(__arm__)
  asm volatile("movw r0, #0x5a5a\n\tmov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r12, r0" ::
                   : "r0", "r1", "r2", "r3", "r12");
#endif
}

void note(Closure* self, G*) {
  seen.runs++;
  seen.entry_sp = ENTRY_SP();
  seen.g = word(getg());
  seen.self = self;
  if (the_m->curg != nullptr) {
    seen.caller_sched = the_m->curg->sched;
    if (seen.caller_sched.sp != 0) {
      seen.stored_return = *runtime::pointerto<const Word>(seen.caller_sched.sp);
    }
  }
  seen.g0_sched = the_m->g0->sched;
  spoil_scratch();  // the last thing that fn does
}

void call_from_curg() {
  G* gp = getg();
  const Gobuf g0_before = the_m->g0->sched;
  gp->sched = Gobuf{kOther, kOther, nullptr, kRet, &ctxt_target, kOther};
  seen = Seen{};
  Closure closure{{runtime::closurethunk}, note};
  stub_under_test(&closure.head);
  const Word here = word(__builtin_frame_address(0));
  expect(seen.runs == 1, "fn did not run exactly once");
  expect(seen.self == &closure, "the context register did not hold fn");
  expect(seen.g == word(the_m->g0), "g was not g0 while fn ran");
  // At note's entry the stack holds what the stub's call pushed, and closurethunk.
  expect(seen.entry_sp ==
             the_m->g0->sched.sp - bytes_kept - runtime::kReturnBytes - runtime::kThunkBytes,
         "fn did not start at g0.sched.sp");
  expect(aligned(seen.entry_sp), "SP did not have the ABI's alignment when fn was entered");
  expect(seen.caller_sched.pc == word(runtime::switchtoM) + runtime::kSwitchtoMSkip,
         "sched.pc was not switchtoM");
  expect(seen.caller_sched.g == gp, "sched.g was not the caller's g");
  expect(seen.caller_sched.sp < here && seen.caller_sched.sp > here - 1024,
         "sched.sp was not in the caller's frame");
  expect(
      seen.stored_return > word(call_from_curg) && seen.stored_return < word(call_from_curg) + 4096,
      "sched.sp did not point at the stub's return address");
  expect(seen.caller_sched.ret == kRet && seen.caller_sched.ctxt == &ctxt_target,
         "ret or ctxt was written");
  expect(getg() == gp, "g was not put back");
  expect(gp->sched.sp == 0, "sched.sp was not cleared on return");
  expect(gp->sched.pc == seen.caller_sched.pc && gp->sched.g == gp,
         "sched.pc or sched.g changed on return");
  expect(gp->sched.ret == kRet && gp->sched.ctxt == &ctxt_target, "ret or ctxt changed on return");
  expect(same(the_m->g0->sched, g0_before), "g0.sched was written");
  expect(the_m->curg == gp, "m->curg was written");
}

void call_from_g0() {
  const Gobuf g0_before = the_m->g0->sched;
  const Gobuf curg_before = the_m->curg != nullptr ? the_m->curg->sched : Gobuf{};
  seen = Seen{};
  Closure closure{{runtime::closurethunk}, note};
  stub_under_test(&closure.head);
  const Word here = word(__builtin_frame_address(0));
  expect(seen.runs == 1, "on g0: fn did not run exactly once");
  expect(seen.self == &closure, "on g0: the context register did not hold fn");
  expect(seen.g == word(the_m->g0) && getg() == the_m->g0, "on g0: g changed");
  expect(seen.entry_sp < here && seen.entry_sp > here - 1024,
         "on g0: fn ran elsewhere on the stack");
  expect(aligned(seen.entry_sp), "on g0: SP did not have the ABI's alignment when fn was entered");
  expect(same(the_m->g0->sched, g0_before) && same(seen.g0_sched, g0_before),
         "on g0: g0.sched was written");
  if (the_m->curg != nullptr) {
    expect(same(the_m->curg->sched, curg_before) && same(seen.caller_sched, curg_before),
           "on g0: curg.sched was written");
  }
}

void call_from_g0_with_curg() {
  const FuncVal fn = runtime::funcval(call_from_g0);
  runtime::onM(&fn);
}

// While fn runs, another G becomes curg. As the caller's twin it has the same stack and the same way
// back.
G twin;
bool returns_to_curg;  // the stub goes back to m->curg; else to the g that it came from

void replace_curg() {
  twin = *the_m->curg;
  the_m->curg = &twin;
}

void call_while_curg_changes() {
  G* gp = getg();
  gp->sched = Gobuf{};
  const FuncVal fn = runtime::funcval(replace_curg);
  stub_under_test(&fn);
  G* back = getg();
  runtime::setg(gp);
  the_m->curg = gp;
  expect(back == (returns_to_curg ? &twin : gp),
         "curg changed in fn: the stub went back to another g");
  expect((returns_to_curg ? twin : *gp).sched.sp == 0,
         "curg changed in fn: sched.sp was not cleared on return");
  expect((returns_to_curg ? *gp : twin).sched.sp != 0,
         "curg changed in fn: another g's sched was written on return");
}

void check_switch(M* mp, void (*stub)(const FuncVal*), Word kept = 0) {
  stub_under_test = stub;
  bytes_kept = kept;
  returns_to_curg = kept == 0;
  run_as_g(mp, call_from_curg);
  run_as_g(mp, call_while_curg_changes);
  run_as_g(mp, call_from_g0_with_curg);
  run_idle(mp, call_from_g0);
}

// On gsignal, as a handler finds it: g and SP are gsignal's, curg is set. Entered from curg by
// hand: the same state that sigtramp makes, without a signal.
void call_from_gsignal() {
  G* gp = getg();
  G* gsignal = gp->m->gsignal;
  const Gobuf curg_before = gp->sched, g0_before = the_m->g0->sched;
  seen = Seen{};
  static Closure closure;
  closure = Closure{{runtime::closurethunk}, note};
  runtime::setg(gsignal);
  stub_under_test(&closure.head);
  expect(getg() == gsignal, "on gsignal: g changed");
  runtime::setg(gp);
  const Word here = word(__builtin_frame_address(0));
  expect(seen.runs == 1 && seen.self == &closure,
         "on gsignal: fn did not run once with its context");
  expect(seen.g == word(gsignal), "on gsignal: fn ran with another g");
  expect(seen.entry_sp < here && seen.entry_sp > here - 1024,
         "on gsignal: fn ran on another stack");
  expect(aligned(seen.entry_sp),
         "on gsignal: SP did not have the ABI's alignment when fn was entered");
  expect(same(gp->sched, curg_before) && same(the_m->g0->sched, g0_before) &&
             same(gsignal->sched, Gobuf{}),
         "on gsignal: a sched was written");
}

void check_on_gsignal(M* mp, void (*stub)(const FuncVal*)) {
  stub_under_test = stub;
  run_as_g(mp, call_from_gsignal);
}

// ---- mcall, gogo, gosave

// Does a call in `caller` return to pc? If calls push that, it must lie just below sp.
bool is_return_address(const Gobuf& saved, Word caller) {
  const bool pushed = runtime::kReturnBytes == 0 ||
                      saved.pc == *runtime::pointerto<const std::uintptr_t>(
                                      saved.sp - static_cast<Word>(runtime::kReturnBytes));
  return pushed && saved.pc > caller && saved.pc < caller + 4096;
}

Word mcall_argument, mcall_g, mcall_entry_sp, mcall_stack_argument;
Gobuf mcall_saved;

void mcall_target(G* gp) {
  mcall_argument = word(gp);
  mcall_g = word(getg());
  mcall_entry_sp = ENTRY_SP();
  mcall_stack_argument = static_cast<Word>(runtime::pointerto<const std::uintptr_t>(ENTRY_SP())[1]);
  mcall_saved = gp->sched;
  runtime::gogo(&gp->sched);
}

void call_mcall() {
  G* gp = getg();
  const Gobuf g0_before = the_m->g0->sched;
  gp->sched = Gobuf{};
  gp->sched.ret = kRet;
  const FuncVal fn = runtime::funcval(mcall_target);
  runtime::cmcall(&fn);
  const Word here = word(__builtin_frame_address(0));
  expect(getg() == gp, "mcall, gogo: g was not put back");
  expect(mcall_argument == word(gp), "mcall: fn's argument was not g");
  expect(mcall_stack_argument == word(gp),
         "mcall: g was not on g0's stack above the return address");
  expect(mcall_g == word(the_m->g0), "mcall: g was not g0 in fn");
  expect(aligned(mcall_entry_sp), "mcall: SP did not have the ABI's alignment when fn was entered");
  expect(
      mcall_entry_sp < the_m->g0->sched.sp &&
          mcall_entry_sp >= the_m->g0->sched.sp - runtime::kCallAlignment - runtime::kReturnBytes,
      "mcall: fn did not start at g0.sched.sp");
  expect(mcall_saved.g == gp, "mcall: sched.g was not the caller's");
  expect(mcall_saved.sp < here && mcall_saved.sp > here - 1024,
         "mcall: sched.sp was not the caller's");
  expect(is_return_address(mcall_saved, word(runtime::cmcall)),
         "mcall: sched.pc was not its return address");
  expect(mcall_saved.ret == kRet, "mcall: ret was written");
  expect(gp->sched.sp == 0 && gp->sched.ret == 0 && gp->sched.ctxt == nullptr && gp->sched.lr == 0,
         "gogo: sp, ret, ctxt and lr were not cleared");
  expect(gp->sched.pc == mcall_saved.pc && gp->sched.g == gp, "gogo: pc or g was written");
  expect(same(the_m->g0->sched, g0_before), "mcall: g0.sched was written");
}

void check_mcall(M* mp) {
  run_as_g(mp, call_mcall);
}

Gobuf gogo_buf;
Word gogo_sp;

void call_gogo() {
  G* gp = getg();
  gogo_sp = word(__builtin_frame_address(0)) - 2048;
  gogo_buf = Gobuf{gogo_sp, word(contract_landing), gp, kRet, &ctxt_target, kOther};
  runtime::setg(the_m->g0);  // so that gogo's own store shows
  runtime::gogo(&gogo_buf);
}

void check_gogo(M* mp) {
  std::memset(landed, 0, sizeof landed);
  run_as_g(mp, call_gogo);
  expect(landed[0] == kRet, "gogo: the return register did not hold ret");
  expect(landed[1] == word(&ctxt_target), "gogo: the context register did not hold ctxt");
  expect(landed[2] == gogo_sp, "gogo: SP was not the buffer's");
  expect(landed[3] == word(gogo_buf.g), "gogo: g was not the buffer's");
  expect(gogo_buf.sp == 0 && gogo_buf.ret == 0 && gogo_buf.ctxt == nullptr && gogo_buf.lr == 0,
         "gogo: sp, ret, ctxt and lr were not cleared");
  expect(gogo_buf.pc == word(contract_landing), "gogo: pc was written");
}

void call_gosave() {
  Gobuf buf{kOther, kOther, nullptr, kOther, &ctxt_target, kOther};
  runtime::gosave(&buf);
  const Word here = word(__builtin_frame_address(0));
  expect(buf.sp <= here && buf.sp > here - 1024, "gosave: sp is not the caller's");
  expect(is_return_address(buf, word(call_gosave)),
         "gosave: pc is not the return address into the caller");
  expect(buf.g == getg(), "gosave: g is not the caller's");
  expect(buf.ret == 0 && buf.ctxt == nullptr, "gosave: ret and ctxt are not zero");
}

void check_gosave(M* mp) {
  run_as_g(mp, call_gosave);
}

// ---- throws, each in a child of its own

void throw_badmcall() {
  const FuncVal fn = runtime::funcval(mcall_target);
  runtime::cmcall(&fn);
}
void throw_badmcall_on_g0() {
  const FuncVal fn = runtime::funcval(throw_badmcall);
  runtime::onM(&fn);
}

void returns_from_mcall(G*) {}
void throw_badmcall2() {
  const FuncVal fn = runtime::funcval(returns_from_mcall);
  runtime::cmcall(&fn);
}

void throw_badonm() {
  const FuncVal fn = runtime::funcval(call_gosave);
  runtime::setg(the_m->gsignal);
  runtime::onM(&fn);
}

// A G of this M that is neither g0 nor curg nor gsignal, on the running stack.
void call_from_stranger(void (*stub)(const FuncVal*)) {
  static G stranger;
  stranger = *getg();
  const FuncVal fn = runtime::funcval(call_gosave);
  runtime::setg(&stranger);
  stub(&fn);
}
void throw_badonm_by_stranger() {
  call_from_stranger(runtime::onM);
}
void throw_badsystemstack() {
  call_from_stranger(runtime::systemstack);
}

void gogo_to_nil() {
  gogo_buf = Gobuf{
      word(__builtin_frame_address(0)) - 2048, word(contract_landing), nullptr, 0, nullptr, 0};
  runtime::gogo(&gogo_buf);
}

// A throw's callees rely on the alignment that the stub gave the throw.
void refuse_misaligned(const char*) {
  if (!aligned(ENTRY_SP())) _exit(1);
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

void check_badsignal(M*) {
  const Forked ended = run_in_child([] {
    runtime::setsig(SIGPROF, nullptr);
    runtime::setg(nullptr);
    raise(SIGPROF);
  });
  const std::string line =
      "fatal: signal " + std::to_string(SIGPROF) + " on a thread without a g\n";
  expect(ended.output == line, "sigtramp: a nil g did not lead to badsignal's message");
  expect(ended.exit_status == 2, "sigtramp: badsignal did not exit with status 2");
}

struct Contract {
  const char* name;
  void (*check)(M*);
};

const Contract kContracts[] = {
    {"onM: from curg, from g0, from g0 without a curg",
     [](M* m) { check_switch(m, runtime::onM); }},
    {"onM_legacy: likewise", [](M* m) { check_switch(m, runtime::onM_legacy); }},
    {"onM_remember: likewise",
     [](M* m) { check_switch(m, runtime::onM_remember, runtime::kCallAlignment); }},
    {"onM_signalok: likewise", [](M* m) { check_switch(m, runtime::onM_signalok); }},
    {"systemstack: likewise", [](M* m) { check_switch(m, runtime::systemstack); }},
    {"onM_signalok: on gsignal", [](M* m) { check_on_gsignal(m, runtime::onM_signalok); }},
    {"systemstack: on gsignal", [](M* m) { check_on_gsignal(m, runtime::systemstack); }},
    {"mcall, and back by gogo", check_mcall},
    {"gogo", check_gogo},
    {"gogo: nil g", check_gogo_nil},
    {"gosave", check_gosave},
    {"badonm",
     [](M* m) { check_throw(m, throw_badonm, "onM called from signal goroutine", "onM"); }},
    {"badonm, from a G that is not curg",
     [](M* m) {
       check_throw(m, throw_badonm_by_stranger, "onM called from signal goroutine", "onM");
     }},
    {"badsystemstack",
     [](M* m) {
       check_throw(m, throw_badsystemstack, "systemstack called from unexpected goroutine",
                   "systemstack");
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

unsigned contract_count() {
  return sizeof kContracts / sizeof kContracts[0];
}

std::string contract_name(unsigned index) {
  return kContracts[index].name;
}

Extras::Contract run_contract(unsigned index, M* mp) {
  problem.clear();
  kContracts[index].check(mp);
  return Extras::Contract{kContracts[index].name, problem};
}

}  // namespace sigsweep::onm

void contract_landed() {
  runtime::mexit(sigsweep::onm::the_m);
}
