// The contracts of the stubs, one check each. A check runs on the given M, from a fresh state. It
// compares the words that a stub stored with those of the original, and checks that the others
// stay.
#include "stress/subjects/onm/contracts.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "runtime/stubs.h"
#include "stress/subjects/onm/contracts_check.h"

using runtime::Closure;
using runtime::FuncVal;
using runtime::getg;

extern "C" {
std::uintptr_t contract_kept[24];
runtime::Word landed[5];  // written by contract_landing
void contract_landing();
void contract_landed();
}

namespace sigsweep::onm {

std::string problem;
M* the_m;

void expect(bool holds, const char* what) {
  if (!holds && problem.empty()) problem = what;
}

void call_kept(std::uintptr_t fn, const void* arg, const char* what) {
  constexpr std::uintptr_t kFirst = ~std::uintptr_t{0} / 7;
  for (std::uintptr_t i = 0; i < std::size(contract_kept); i++) contract_kept[i] = kFirst + i;
  contract_keeps(fn, arg);
  for (std::uintptr_t i = 0; i < std::size(contract_kept); i++) {
    expect(contract_kept[i] == kFirst + i, what);
  }
}

namespace {

constexpr Word kRet = 0x1111, kOther = 0x5555;
Word ctxt_target;

void reset(M* mp) {
  the_m = mp;
  runtime::mreset(mp);
}

// The words of the thread's own stack, below this function's callees, that hold `kUnused`.
constexpr std::uintptr_t kUnused = ~std::uintptr_t{0} / 11;
constexpr std::size_t kNearest = 256, kFarthest = 1024;  // words

__attribute__((noinline, no_sanitize("address"))) std::size_t unused_below(bool paint) {
  auto* const here = static_cast<volatile std::uintptr_t*>(__builtin_frame_address(0));
  std::size_t unused = 0;
  for (std::size_t i = kNearest; i < kFarthest; i++) {
    if (paint) *(here - i) = kUnused;
    if (*(here - i) == kUnused) unused++;
  }
  return unused;
}

// While an M runs, its thread's own stack is not used.
void start(M* mp) {
  const std::size_t before = unused_below(true);
  call_kept(runtime::mstart, mp, "mstart, mexit: a callee-saved register was not kept");
  expect(unused_below(false) == before, "mstart, mexit: the thread's own stack was used");
  expect(getg() == nullptr, "mexit: g was not nil");
}

}  // namespace

void run_as_g(M* mp, void (*body)()) {
  reset(mp);
  static FuncVal fn;
  fn = runtime::funcval(body);
  runtime::newproc(&fn);
  start(mp);
}

void run_idle(M* mp, void (*body)()) {
  reset(mp);
  static FuncVal fn;
  fn = runtime::funcval(body);
  mp->mstartfn = &fn;
  start(mp);
}

namespace {

// Runs `call` with curg, g0 and gsignal side by side in memory, in each order: a comparison must
// tell equal from unequal, and not above from below.
void in_each_order(void (*call)()) {
  static G side_by_side[3];
  G *const gp = getg(), *const g0 = the_m->g0, *const gsignal = the_m->gsignal;
  unsigned order[] = {0, 1, 2};
  do {
    G* places[3];
    for (unsigned i = 0; i < 3; i++) places[i] = &side_by_side[order[i]];
    *places[0] = *gp;
    *places[1] = *g0;
    *places[2] = *gsignal;
    the_m->curg = places[0];
    the_m->g0 = places[1];
    the_m->gsignal = places[2];
    runtime::setg(places[0]);
    call();
    runtime::setg(gp);
    the_m->curg = gp;
    the_m->g0 = g0;
    the_m->gsignal = gsignal;
  } while (std::ranges::next_permutation(order).found);
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
  bool all_g;          // so is each word that the stub put at the top of g0's stack
};
Seen seen;

// Where a stub pushes g for fn, or for itself, each word of its frame is g, but for arm's padding.
constexpr unsigned kCopies =
    runtime::kReturnBytes == 0 ? 1 : runtime::kCallAlignment / sizeof(std::uintptr_t);

bool all_are(Word at, G* gp) {
  const auto* words = runtime::pointerto<const std::uintptr_t>(at);
  return std::all_of(words, words + kCopies, [&](std::uintptr_t each) { return each == word(gp); });
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
  seen.all_g = bytes_kept == 0 || all_are(seen.g0_sched.sp - bytes_kept, seen.caller_sched.g);
  spoil_scratch();  // the last thing that fn does
}

void call_from_curg() {
  G* gp = getg();
  const Gobuf g0_before = the_m->g0->sched;
  gp->sched = Gobuf{kOther, kOther, nullptr, kRet, &ctxt_target, kOther};
  seen = Seen{};
  Closure closure{{runtime::closurethunk}, note};
  call_kept(stub_under_test, &closure.head, "a callee-saved register was not kept");
  const Word here = word(__builtin_frame_address(0));
  expect(seen.runs == 1, "fn did not run exactly once");
  expect(seen.all_g, "the words at the top of g0's stack were not g");
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
  expect(seen.stored_return == word(contract_keeps_back),
         "sched.sp did not point at the stub's return address");
  expect(seen.caller_sched.lr == (runtime::kReturnBytes == 0 ? word(contract_keeps_back) : kOther),
         "sched.lr was not the return address, or was written where a call pushes that");
  expect(seen.caller_sched.ret == kRet && seen.caller_sched.ctxt == &ctxt_target,
         "ret or ctxt was written");
  expect(getg() == gp, "g was not put back");
  expect(gp->sched.sp == 0, "sched.sp was not cleared on return");
  expect(gp->sched.pc == seen.caller_sched.pc && gp->sched.g == gp &&
             gp->sched.lr == seen.caller_sched.lr,
         "sched.pc, sched.g or sched.lr changed on return");
  expect(gp->sched.ret == kRet && gp->sched.ctxt == &ctxt_target, "ret or ctxt changed on return");
  expect(same(the_m->g0->sched, g0_before), "g0.sched was written");
  expect(the_m->curg == gp, "m->curg was written");
}

void call_from_g0() {
  const Gobuf g0_before = the_m->g0->sched;
  const Gobuf curg_before = the_m->curg != nullptr ? the_m->curg->sched : Gobuf{};
  seen = Seen{};
  Closure closure{{runtime::closurethunk}, note};
  call_kept(stub_under_test, &closure.head, "a callee-saved register was not kept");
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
  run_as_g(mp, [] { in_each_order(call_from_curg); });
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
  call_kept(stub_under_test, &closure.head, "a callee-saved register was not kept");
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
  run_as_g(mp, [] { in_each_order(call_from_gsignal); });
}

// ---- mcall, gogo, gosave

// Does a call in `caller` return to pc? If calls push that, it must lie just below sp.
bool is_return_address(const Gobuf& saved, Word caller) {
  const bool pushed = runtime::kReturnBytes == 0 ||
                      saved.pc == *runtime::pointerto<const std::uintptr_t>(
                                      saved.sp - static_cast<Word>(runtime::kReturnBytes));
  return pushed && saved.pc > caller && saved.pc < caller + 4096;
}

Word mcall_argument, mcall_g, mcall_entry_sp;
bool mcall_all_g;
Gobuf mcall_saved;

void mcall_target(G* gp) {
  mcall_argument = word(gp);
  mcall_g = word(getg());
  mcall_entry_sp = ENTRY_SP();
  mcall_all_g = all_are(ENTRY_SP() + static_cast<Word>(sizeof(std::uintptr_t)), gp);
  mcall_saved = gp->sched;
  runtime::gogo(&gp->sched);
}

void call_mcall() {
  G* gp = getg();
  const Gobuf g0_before = the_m->g0->sched;
  gp->sched = Gobuf{0, 0, nullptr, kRet, &ctxt_target, kOther};
  const FuncVal fn = runtime::funcval(mcall_target);
  call_kept(runtime::cmcall, &fn, "cmcall: a callee-saved register was not kept");
  const Word here = word(__builtin_frame_address(0));
  expect(getg() == gp, "mcall, gogo: g was not put back");
  expect(mcall_argument == word(gp), "mcall: fn's argument was not g");
  expect(mcall_all_g, "mcall: the words on g0's stack above the return address were not g");
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
  expect(mcall_saved.ret == kRet && mcall_saved.ctxt == &ctxt_target,
         "mcall: ret or ctxt was written");
  expect(mcall_saved.lr == (runtime::kReturnBytes == 0 ? 0 : kOther),
         "mcall: lr was not cleared, or was written where a call pushes that");
  expect(gp->sched.sp == 0 && gp->sched.ret == 0 && gp->sched.ctxt == nullptr && gp->sched.lr == 0,
         "gogo: sp, ret, ctxt and lr were not cleared");
  expect(gp->sched.pc == mcall_saved.pc && gp->sched.g == gp, "gogo: pc or g was written");
  expect(same(the_m->g0->sched, g0_before), "mcall: g0.sched was written");
}

Closure* mcall_self;

void mcall_closure_target(Closure* self, G* gp) {
  mcall_self = self;
  runtime::gogo(&gp->sched);
}

void call_mcall_with_closure() {
  Closure closure{{runtime::closurethunk}, mcall_closure_target};
  mcall_self = nullptr;
  runtime::cmcall(&closure.head);
  expect(mcall_self == &closure, "mcall: the context register did not hold fn");
}

void check_mcall(M* mp) {
  run_as_g(mp, call_mcall_with_closure);
  run_as_g(mp, [] { in_each_order(call_mcall); });
}

Gobuf gogo_buf;
G* gogo_g;  // nil: the caller's
Word gogo_sp;

void call_gogo() {
  G* gp = gogo_g != nullptr ? gogo_g : getg();
  gogo_sp = word(__builtin_frame_address(0)) - 2048;
  gogo_buf = Gobuf{gogo_sp, word(contract_landing), gp, kRet, &ctxt_target, kOther};
  runtime::setg(the_m->g0);  // so that gogo's own store shows
  runtime::gogo(&gogo_buf);
}

void expect_landed(M* mp, G* gp) {
  std::memset(landed, 0, sizeof landed);
  gogo_g = gp;
  run_as_g(mp, call_gogo);
  expect(landed[0] == kRet, "gogo: the return register did not hold ret");
  expect(landed[1] == word(&ctxt_target), "gogo: the context register did not hold ctxt");
  expect(landed[2] == gogo_sp, "gogo: SP was not the buffer's");
  expect(landed[3] == word(gogo_buf.g), "gogo: g was not the buffer's");
  if (runtime::kReturnBytes == 0) expect(landed[4] == kOther, "gogo: LR was not the buffer's");
  expect(gogo_buf.sp == 0 && gogo_buf.ret == 0 && gogo_buf.ctxt == nullptr && gogo_buf.lr == 0,
         "gogo: sp, ret, ctxt and lr were not cleared");
  expect(gogo_buf.pc == word(contract_landing), "gogo: pc was written");
}

// Of this page alone the memory may be read. REQUIRES: a child of its own, as it is never given back.
unsigned char* page_between_guards() {
  const auto size = static_cast<std::size_t>(getpagesize());
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(__x86_64__)
  if (runtime::kLow) flags |= MAP_32BIT;
#endif
  void* const pages = mmap(nullptr, 3 * size, PROT_NONE, flags, -1, 0);
  auto* const page = static_cast<unsigned char*>(pages) + size;
  expect(pages != MAP_FAILED && mprotect(page, size, PROT_READ) == 0, "no memory for the check");
  return page;
}

// Of g, gogo reads the first word alone, to fault if g is nil. So a g will do whose other words
// cannot be read: first those behind it, then those in front.
void check_gogo(M* mp) {
  expect_landed(mp, nullptr);
#if defined(__arm__)
  runtime_iscgo = 1;
  runtime::runtime_g = nullptr;
  expect_landed(mp, nullptr);
  runtime_iscgo = 0;
  expect(runtime::runtime_g == gogo_buf.g, "gogo: with cgo TLS did not hold g");
#endif
  check_in_child("gogo: more of g was read than its first word", [mp] {
    unsigned char* const page = page_between_guards();
    expect_landed(mp, reinterpret_cast<G*>(page + getpagesize() - sizeof(Word)));
    expect_landed(mp, reinterpret_cast<G*>(page));
  });
}

void call_gosave() {
  Gobuf buf{kOther, kOther, nullptr, kOther, &ctxt_target, kOther};
  call_kept(reinterpret_cast<std::uintptr_t>(runtime::gosave), &buf,
            "gosave: a callee-saved register was not kept");
  const Word here = word(__builtin_frame_address(0));
  expect(buf.sp <= here && buf.sp > here - 1024, "gosave: sp is not the caller's");
  expect(buf.pc == word(contract_keeps_back),
         "gosave: pc is not the return address into the caller");
  expect(is_return_address(buf, word(contract_keeps)), "gosave: sp does not lie behind pc's call");
  expect(buf.g == getg(), "gosave: g is not the caller's");
  expect(buf.ret == 0 && buf.ctxt == nullptr, "gosave: ret and ctxt are not zero");
  expect(buf.lr == (runtime::kReturnBytes == 0 ? 0 : kOther),
         "gosave: lr was not cleared, or was written where a call pushes that");
}

void check_gosave(M* mp) {
  run_as_g(mp, call_gosave);
}

const Contract kSwitches[] = {
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
    {"gosave", check_gosave},
};

const std::span<const Contract> kAll[] = {
    kSwitches,          thread_contracts(), system_contracts(),
#if !defined(__arm__)
    vector_contracts(),
#endif
    throw_contracts(),
};

const Contract& contract_at(unsigned index) {
  for (const auto& contracts : kAll) {
    if (index < contracts.size()) return contracts[index];
    index -= static_cast<unsigned>(contracts.size());
  }
  __builtin_trap();  // contract_count() is the limit
}

}  // namespace

unsigned contract_count() {
  std::size_t count = 0;
  for (const auto& contracts : kAll) count += contracts.size();
  return static_cast<unsigned>(count);
}

std::string contract_name(unsigned index) {
  return contract_at(index).name;
}

Extras::Contract run_contract(unsigned index, M* mp) {
  problem.clear();
  contract_at(index).check(mp);
  return Extras::Contract{contract_name(index), problem};
}

}  // namespace sigsweep::onm

void contract_landed() {
  runtime::mexit(sigsweep::onm::the_m);
}
