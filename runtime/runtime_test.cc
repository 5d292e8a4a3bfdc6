// Tests of the runtime without the harness: Gs, the scheduler, stacks, signal entry, throws,
// symbols, and an unwinder's result at each instruction of the switches.
#include "runtime/runtime.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <unwind.h>

#include <cstring>
#include <fstream>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "runtime/slots.h"
#include "runtime/stubs.h"
#include "stress/base/mask.h"
#include "stress/base/symtab.h"

namespace runtime {
namespace {

M* the_m() {
  static M* const mp = [] {
    tracebackinit();
    return allocm(64 * 1024);
  }();
  return mp;
}

// The events, in order. Words, written by Gs.
std::vector<std::string> events;
void note(const char* event) {
  events.emplace_back(event);
}
using Events = std::vector<std::string>;

// Runs the functions as the Gs of a fresh M, in this order, until none is left.
void run_gs(std::initializer_list<void (*)()> bodies) {
  events.clear();
  mreset(the_m());
  static FuncVal fns[4];
  unsigned used = 0;
  for (void (*body)() : bodies) {
    fns[used] = funcval(body);
    newproc(&fns[used++]);
  }
  mstart(the_m());
}

bool within(const G* gp, Word sp) {
  return sp >= gp->stack.lo && sp < gp->stack.hi;
}
Word sp_here() {
  return reinterpret_cast<Word>(__builtin_frame_address(0));
}

// Runs body on g0, in an onM of the calling G.
template <void Body()>
void on_g0() {
  static const FuncVal fn = funcval(Body);
  onM(&fn);
}

// ---- switches

// fn may change all registers that a call need not keep.
void spoil_registers() {
  note("spoiled");
#if defined(__x86_64__)
  asm volatile(
      "mov $-1, %%rax; mov $-1, %%rcx; mov $-1, %%rdx; mov $-1, %%rsi; mov $-1, %%rdi;"
      "mov $-1, %%r8; mov $-1, %%r9; mov $-1, %%r10; mov $-1, %%r11"
      :
      :
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
#elif defined(__i386__)
  asm volatile("mov $-1, %%eax; mov $-1, %%ecx; mov $-1, %%edx" : : : "eax", "ecx", "edx");
#elif defined(__arm__)
  asm volatile("mvn r0, #0; mvn r1, #0; mvn r2, #0; mvn r3, #0; mvn r12, #0"
               :
               :
               : "r0", "r1", "r2", "r3", "r12", "lr", "memory");
#endif
}

TEST(Switches, ComeBackWhateverFnLeavesInTheRegisters) {
  run_gs({[] {
    static const FuncVal fn = funcval(spoil_registers);
    for (const auto enter : {onM, onM_legacy, onM_remember, onM_signalok, systemstack}) {
      const G* gp = getg();
      enter(&fn);
      if (getg() == gp && gp->m->curg == gp && within(gp, sp_here())) note("back");
    }
  }});
  EXPECT_EQ(events, (Events{"spoiled", "back", "spoiled", "back", "spoiled", "back", "spoiled",
                            "back", "spoiled", "back"}));
}

// ---- Gs

TEST(Gs, RunInTheOrderOfTheirCreationEachToItsEnd) {
  run_gs({[] { note("a"); }, [] { note("b"); }, [] { note("c"); }});
  EXPECT_EQ(events, (Events{"a", "b", "c"}));
  EXPECT_EQ(getg(), nullptr);
  EXPECT_EQ(the_m()->curg, nullptr);
  EXPECT_EQ(sched.runqhead, nullptr);
  for (const G* gp = sched.allg; gp != nullptr; gp = gp->alllink) EXPECT_EQ(gp->status, Gdead);
}

TEST(Gs, RunOnTheirOwnStack) {
  run_gs({[] {
    const G* gp = getg();
    if (gp == the_m()->curg) note("curg");
    if (gp->m == the_m()) note("its m");
    if (within(gp, sp_here())) note("its stack");
    if (gp->status == Grunning) note("running");
    if (gp->goid == 1) note("goroutine 1");
  }});
  EXPECT_EQ(events, (Events{"curg", "its m", "its stack", "running", "goroutine 1"}));
}

TEST(Gs, AreUsedAgain) {
  run_gs({[] {}, [] {}});
  std::set<const G*> before;
  for (const G* gp = sched.allg; gp != nullptr; gp = gp->alllink) before.insert(gp);
  run_gs({[] {}, [] {}});
  std::set<const G*> after;
  for (const G* gp = sched.allg; gp != nullptr; gp = gp->alllink) after.insert(gp);
  EXPECT_EQ(before, after);
  EXPECT_GE(after.size(), 2U);
}

TEST(Gs, MakeGs) {
  static const FuncVal child = funcval(static_cast<void (*)()>([] { note("child"); }));
  run_gs({[] {
            newproc(&child);
            note("parent");
          },
          [] { note("sibling"); }});
  EXPECT_EQ(events, (Events{"parent", "sibling", "child"}));
}

TEST(Gs, GoschedInterleaves) {
  run_gs({[] {
            for (const char* e : {"a1", "a2", "a3"}) {
              note(e);
              gosched();
            }
          },
          [] {
            for (const char* e : {"b1", "b2"}) {
              note(e);
              gosched();
            }
            note("b ends");
          }});
  EXPECT_EQ(events, (Events{"a1", "b1", "a2", "b2", "a3", "b ends"}));
}

G* parked;
void ready_parked() {
  ready(parked);
}

TEST(Gs, AParkedOneWaitsUntilItIsReadied) {
  run_gs({[] {
            parked = getg();
            note("parks");
            gopark();
            note("goes on");
          },
          [] {
            note(parked->status == Gwaiting ? "waits" : "does not wait");
            gosched();
            note("still alone");
            on_g0<ready_parked>();
            note(parked->status == Grunnable ? "readied" : "not readied");
          }});
  EXPECT_EQ(events, (Events{"parks", "waits", "still alone", "readied", "goes on"}));
}

TEST(Gs, OneThatIsNeverReadiedLeavesTheMIdle) {
  run_gs({[] {
    gopark();
    note("never");
  }});
  EXPECT_TRUE(events.empty());
}

TEST(Gs, LocalsSurviveTheSwitches) {
  run_gs({[] {
            volatile int local = 41;
            gosched();
            local = local + 1;
            if (local == 42) note("a");
          },
          [] {
            volatile int local = 7;
            gosched();
            if (local == 7) note("b");
          }});
  EXPECT_EQ(events, (Events{"a", "b"}));
}

TEST(M, AFunctionOfItsOwnRunsFirstOnG0) {
  events.clear();
  mreset(the_m());
  static const FuncVal first = funcval(static_cast<void (*)()>([] {
    note(getg() == the_m()->g0 && within(the_m()->g0, sp_here()) ? "on g0" : "elsewhere");
  }));
  static const FuncVal g = funcval(static_cast<void (*)()>([] { note("g"); }));
  the_m()->mstartfn = &first;
  newproc(&g);
  mstart(the_m());
  EXPECT_EQ(events, (Events{"on g0", "g"}));
}

TEST(M, ResetForgetsEverything) {
  run_gs({[] { gopark(); }, [] { storeslot(3, 5); }});
  the_m()->throwing = 1;
  mreset(the_m());
  EXPECT_EQ(sched.runqhead, nullptr);
  EXPECT_EQ(sched.goidgen, 0U);
  EXPECT_EQ(the_m()->throwing, 0U);
  EXPECT_EQ(*slotcell(the_m(), 3), 0U);
  for (const G* gp = sched.allg; gp != nullptr; gp = gp->alllink) {
    EXPECT_EQ(gp->status, Gdead);
    EXPECT_EQ(gp->sched.sp, 0U);
  }
}

TEST(M, SwitchesStartAlignedBelowTheWordThatNamesIt) {
  mreset(the_m());
  const Word sp = the_m()->g0->sched.sp;
  EXPECT_EQ(sp % 16, 0U);
  EXPECT_TRUE(within(the_m()->g0, sp));
  EXPECT_EQ(*reinterpret_cast<const Word*>(sp), reinterpret_cast<Word>(the_m()));
}

// ---- slots

TEST(Slots, AreTheFieldsOfTheM) {
  run_gs({[] {
    for (unsigned i = 0; i < kSlots; i++) storeslot(i, 100 + i);
    SavedSlots saved;
    saveslots(getg()->m, &saved);
    for (unsigned i = 0; i < kSlots; i++) storeslot(i, 0);
    restoreslots(getg()->m, &saved);
  }});
  for (unsigned i = 0; i < kScalarSlots; i++) EXPECT_EQ(the_m()->scalararg[i], 100 + i);
  for (unsigned i = 0; i < kPointerSlots; i++) {
    EXPECT_EQ(reinterpret_cast<Word>(the_m()->ptrarg[i]), 104 + i);
  }
}

// ---- stacks

TEST(Stacks, EveryByteBetweenTheGuardsIsUsable) {
  const G* gp = malg(10000);
  EXPECT_GE(gp->stack.hi - gp->stack.lo, 10000U);
  for (Word at : {gp->stack.lo, gp->stack.hi - 1}) {
    *reinterpret_cast<volatile char*>(at) = 1;
    EXPECT_EQ(*reinterpret_cast<volatile char*>(at), 1);
  }
}

// A sanitizer's handler would turn the signal into an exit.
void write_with_no_handler(Word at) {
  signal(SIGSEGV, SIG_DFL);
  *reinterpret_cast<volatile char*>(at) = 1;
}

TEST(StacksDeathTest, AreGuarded) {
  for (const G* gp : {malg(1), the_m()->g0, the_m()->gsignal}) {
    EXPECT_EXIT(write_with_no_handler(gp->stack.lo - 1), testing::KilledBySignal(SIGSEGV), "");
    EXPECT_EXIT(write_with_no_handler(gp->stack.hi), testing::KilledBySignal(SIGSEGV), "");
  }
}

// Uses the stack up. Volatile, so that each call has a frame.
int deep(volatile int* above) {
  volatile int here[64] = {};
  here[0] = *above + 1;
  if (here[0] < 0) return 0;
  return deep(here) + here[0];
}

TEST(StacksDeathTest, AGThatOverrunsItsStackFaults) {
  EXPECT_EXIT(run_gs({[] {
                signal(SIGSEGV, SIG_DFL);
                volatile int top = 0;
                deep(&top);
              }}),
              testing::KilledBySignal(SIGSEGV), "");
}

TEST(Stacks, TheSignalStackIsLargeEnough) {
  EXPECT_GE(gsignalsize(), 32U * 1024);
  EXPECT_GE(gsignalsize(), getauxval(AT_MINSIGSTKSZ));
  EXPECT_GE(the_m()->gsignal->stack.hi - the_m()->gsignal->stack.lo, gsignalsize());
}

// ---- signals

// Takes over a signal and the alternate stack; puts both back.
class Handling {
 public:
  Handling(int sig, SigHandler handler) : sig_(sig) {
    sigaltstack(nullptr, &stack_);
    sigaction(sig, nullptr, &action_);
    sigaltinit(the_m());
    setsig(sig, handler);
  }
  ~Handling() {
    sigaction(sig_, &action_, nullptr);
    sigaltstack(&stack_, nullptr);
  }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;

 private:
  int sig_;
  stack_t stack_{};
  struct sigaction action_ {};
};

struct Handled {
  int sig;
  G *g, *interrupted;
  bool on_gsignal;
  bool has_context;
};
Handled handled;

void note_signal(int sig, void*, void* ctx, G* gp) {
  const G* gsignal = getg();
  handled = Handled{sig, getg(), gp, within(gsignal, sp_here()),
                    gsignal->sigctx == ctx && gsignal->siginterrupted == gp};
  errno = EDOM;
}

void raise_and_compare() {
  const G* before = getg();
  errno = ERANGE;
  raise(SIGUSR1);
  if (errno == ERANGE) note("errno kept");
  if (getg() == before) note("g kept");
  if (handled.interrupted == before) note("g given");
}

TEST(Signals, SigtrampKeepsGAndErrno) {
  const Handling handling(SIGUSR1, note_signal);
  run_gs({raise_and_compare});
  EXPECT_EQ(events, (Events{"errno kept", "g kept", "g given"}));
  EXPECT_EQ(handled.sig, SIGUSR1);
  EXPECT_EQ(handled.g, the_m()->gsignal);
  EXPECT_TRUE(handled.on_gsignal);
  EXPECT_TRUE(handled.has_context);
  EXPECT_EQ(the_m()->gsignal->sigctx, nullptr);
  EXPECT_EQ(the_m()->gsignal->siginterrupted, nullptr);
}

TEST(Signals, LikewiseOnG0) {
  const Handling handling(SIGUSR1, note_signal);
  run_gs({on_g0<raise_and_compare>});
  EXPECT_EQ(events, (Events{"errno kept", "g kept", "g given"}));
  EXPECT_EQ(handled.interrupted, the_m()->g0);
  EXPECT_TRUE(handled.on_gsignal);
}

// Every signal is masked in a handler, except those of faults.
TEST(Signals, DoNotNest) {
  static sigset_t mask;
  const Handling handling(
      SIGUSR1, [](int, void*, void*, G*) { pthread_sigmask(SIG_BLOCK, nullptr, &mask); });
  run_gs({[] { raise(SIGUSR1); }});
  for (int s : {SIGUSR1, SIGUSR2, SIGPROF, SIGALRM, SIGURG}) EXPECT_EQ(sigismember(&mask, s), 1);
  for (int s : sigsweep::kNeverBlocked) EXPECT_EQ(sigismember(&mask, s), 0);
}

// A fault within a handler: when the inner handler is done, the outer one's context is back.
TEST(Signals, OneWithinAHandlerPutsTheOuterContextBack) {
  static G* inner_interrupted;
  static bool put_back;
  const Handling inner(SIGTRAP, [](int, void*, void*, G* gp) { inner_interrupted = gp; });
  const Handling outer(SIGUSR1, [](int, void*, void* ctx, G* gp) {
    raise(SIGTRAP);
    put_back = getg()->sigctx == ctx && getg()->siginterrupted == gp;
  });
  run_gs({raise_and_compare});
  EXPECT_EQ(inner_interrupted, the_m()->gsignal);
  EXPECT_TRUE(put_back);
}

TEST(SignalsDeathTest, OneWithoutAGEndsTheProcess) {
  EXPECT_EXIT(
      {
        mreset(the_m());  // g is nil
        sigaltinit(the_m());
        setsig(SIGPROF, note_signal);
        raise(SIGPROF);
      },
      testing::ExitedWithCode(2), "^fatal: signal 27 on a thread without a g\n$");
}

// ---- throws: the message first, one traceback, exit status 2

extern "C" __attribute__((noinline)) void thrower() {
  gothrow("a test's throw");
}

TEST(ThrowDeathTest, FromAG) {
  the_m();
  EXPECT_EXIT(run_gs({[] {}, thrower}), testing::ExitedWithCode(2),
              "^fatal error: a test's throw\n\ntraceback:\nthrown on goroutine 2:\n"
              "\tgothrow\\+0x0\n\tthrower\\+0x[0-9a-f]+\n\tgoexit\\+0x1\n$");
}

TEST(ThrowDeathTest, FromG0) {
  the_m();
  EXPECT_EXIT(run_gs({on_g0<thrower>}), testing::ExitedWithCode(2),
              "^fatal error: a test's throw\n\ntraceback:\nthrown on g0:\n"
              "\tgothrow\\+0x0\n\tthrower\\+0x[0-9a-f]+\n\tonM\\+0x[0-9a-f]+\n");
}

void throw_in_handler(int, void*, void*, G*) {
  thrower();
}

extern "C" __attribute__((noinline)) void interrupted_here() {
  raise(SIGUSR1);
  note("went on");
}

TEST(ThrowDeathTest, FromAHandler) {
  EXPECT_EXIT(
      {
        sigaltinit(the_m());
        setsig(SIGUSR1, throw_in_handler);
        run_gs({interrupted_here});
      },
      testing::ExitedWithCode(2),
      "^fatal error: a test's throw\n\ntraceback:\nthrown on gsignal:\n\tgothrow\\+0x0\n"
      "\tthrower\\+0x[0-9a-f]+\n(\t.*\n)*interrupted on goroutine 1:\n(\t.*\n)+$");
}

// The same by onM itself, called in a forbidden place.
TEST(ThrowDeathTest, OnMInAHandler) {
  EXPECT_EXIT(
      {
        sigaltinit(the_m());
        setsig(SIGUSR1, [](int, void*, void*, G*) { on_g0<thrower>(); });
        run_gs({interrupted_here});
      },
      testing::ExitedWithCode(2),
      "^fatal error: onM called from signal goroutine\n\ntraceback:\nthrown on gsignal:\n"
      "\tgothrow\\+0x0\n\tbadonm\\+0x[0-9a-f]+\n(\t.*\n)*interrupted on goroutine 1:\n(\t.*\n)+$");
}

TEST(ThrowDeathTest, WithoutAG) {
  EXPECT_EXIT(
      {
        mreset(the_m());
        thrower();
      },
      testing::ExitedWithCode(2), "^fatal error: a test's throw\n\ntraceback:\n\tgothrow\\+0x0\n$");
}

TEST(ThrowDeathTest, WithinAThrowEndsAtOnce) {
  EXPECT_EXIT(run_gs({[] {
                getg()->m->throwing = 1;
                thrower();
              }}),
              testing::ExitedWithCode(2), "^fatal error: a test's throw\n$");
}

TEST(ThrowDeathTest, WithinTheHookIsTheOneThatIsSeen) {
  the_m();
  EXPECT_EXIT(run_gs({[] {
                throwhook = [](const char*) {
                  throwhook = nullptr;
                  gothrow("the hook's own throw");
                };
                thrower();
              }}),
              testing::ExitedWithCode(2),
              "^fatal error: the hook's own throw\n\ntraceback:\nthrown on goroutine 1:\n");
}

TEST(ThrowDeathTest, ReadyOfAGThatDoesNotWait) {
  EXPECT_EXIT(run_gs({[] {
                parked = getg();
                on_g0<ready_parked>();
              }}),
              testing::ExitedWithCode(2), "^fatal error: bad g->status in ready\n");
}

TEST(ThrowDeathTest, SystemstackFromAnUnknownG) {
  EXPECT_EXIT(run_gs({[] {
                static const FuncVal fn = funcval(thrower);
                const G* gp = getg();
                static G stranger;
                stranger.m = gp->m;
                setg(&stranger);
                systemstack(&fn);
              }}),
              testing::ExitedWithCode(2),
              "^fatal error: systemstack called from unexpected goroutine\n");
}

const char* hook_saw;

TEST(Throw, TheHookComesFirstAndMayLeave) {
  hook_saw = nullptr;
  throwhook = [](const char* message) {
    hook_saw = message;
    mexit(the_m());
  };
  run_gs({thrower});
  throwhook = nullptr;
  EXPECT_STREQ(hook_saw, "a test's throw");
  EXPECT_EQ(getg(), nullptr);
}

// ---- symbols

class Symbols : public testing::Test {
 protected:
  Symbols() {
    std::string error;
    const auto loaded = symtab::Table::load("/proc/self/exe", &error);
    EXPECT_EQ(error, "");
    if (loaded) table = *loaded;
  }
  symtab::Table table;
};

TEST_F(Symbols, AreFoundByName) {
  const symtab::Symbol* found = table.find_name("onM");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->start + symtab::bias(), reinterpret_cast<std::uint64_t>(&onM));
  EXPECT_GT(found->size, 50U);
  EXPECT_EQ(table.find_name("no such function"), nullptr);
}

TEST_F(Symbols, AreFoundByEachAddressWithinThem) {
  const symtab::Symbol* onm = table.find_name("onM");
  ASSERT_NE(onm, nullptr);
  for (std::uint64_t at = onm->start; at < onm->start + onm->size; at++) {
    ASSERT_EQ(table.find(at), onm) << at - onm->start;
  }
  EXPECT_NE(table.find(onm->start - 1), onm);
  EXPECT_EQ(table.find(0), nullptr);
}

TEST_F(Symbols, DoNotReachIntoTheGapBehindThem) {
  const auto& all = table.symbols();
  unsigned gaps = 0;
  for (std::size_t i = 0; i + 1 < all.size(); i++) {
    const std::uint64_t end = all[i].start + all[i].size;
    if (all[i].size == 0 || end >= all[i + 1].start) continue;
    EXPECT_NE(table.find(end), &all[i]) << all[i].name;
    gaps++;
  }
  EXPECT_GT(gaps, 0U);
}

TEST_F(Symbols, NameTheirBytesInTheFile) {
  const symtab::Symbol* found = table.find_name("onM");
  ASSERT_NE(found, nullptr);
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::string bytes(found->size, '\0');
  file.seekg(static_cast<std::streamoff>(found->file_offset));
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_EQ(std::memcmp(bytes.data(), reinterpret_cast<const void*>(&onM), bytes.size()), 0);
}

std::string load_error(const std::string& bytes) {
  char path[] = "/tmp/symtab_test_XXXXXX";
  const int fd = mkstemp(path);
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  close(fd);
  std::string error;
  EXPECT_FALSE(symtab::Table::load(path, &error));
  unlink(path);
  return error.substr(error.find(": ") + 2);
}

TEST(SymbolFiles, WhatIsNoElfFileIsSaidToBeNone) {
  std::string error;
  EXPECT_FALSE(symtab::Table::load("/no/such/file", &error));
  EXPECT_EQ(error, "/no/such/file: cannot be read as an ELF file");
  EXPECT_EQ(load_error(""), "cannot be read as an ELF file");
  EXPECT_EQ(load_error(std::string(64, 'x')), "cannot be read as an ELF file");
}

// Wherever the file is cut off: an error, no crash.
TEST(SymbolFiles, TruncatedOnes) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::string head(1 << 12, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  for (std::size_t size : {52U, 63U, 64U, 65U, 4096U}) {
    EXPECT_EQ(load_error(head.substr(0, size)), "has no function symbols (stripped?)") << size;
  }
}

// ---- unwinding: at each instruction of a switch, as an unwinder in a signal handler sees it

const symtab::Table& symbols() {
  static const symtab::Table table = [] {
    std::string error;
    return symtab::Table::load("/proc/self/exe", &error).value();
  }();
  return table;
}

std::string function_at(Word pc) {
  const symtab::Symbol* found = symbols().find(pc - symtab::bias());
  return found != nullptr ? found->name : "?";
}

// The pcs that the unwinder finds, from the interrupted one on; if that is 0, all.
struct Walk {
  Word interrupted;
  std::vector<Word> pcs;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* walk_pointer) {
  auto* walk = static_cast<Walk*>(walk_pointer);
  int before = 0;  // the pc of the next instruction, not of one behind a call
  const Word pc = _Unwind_GetIPInfo(context, &before);
  if (pc == 0) return _URC_NO_REASON;  // behind the outermost frame
  if (!walk->pcs.empty() || walk->interrupted == 0 || (pc == walk->interrupted && before != 0)) {
    walk->pcs.push_back(before != 0 ? pc : pc - 1);
  }
  return walk->pcs.size() < 30 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

std::string walk_from(Word interrupted) {
  Walk walk{interrupted, {}};
  _Unwind_Backtrace(add_frame, &walk);
  std::string functions;
  for (const Word pc : walk.pcs) functions += function_at(pc) + " ";
  return functions;
}

// One step of the traced thread: its place, and the functions that the unwinder named.
struct Stop {
  Word pc;
  Word sp;
  std::string functions;  // "onM thrower ..."
};
std::vector<Stop> stops;
bool tracing;

constexpr greg_t kTrapFlag = 0x100;

void on_step(int, siginfo_t*, void* context) {
  auto* uc = static_cast<ucontext_t*>(context);
  greg_t& flags = uc->uc_mcontext.gregs[REG_EFL];
  flags = tracing ? flags | kTrapFlag : flags & ~kTrapFlag;
  const Word pc = sigctxpc(*uc);
  const std::string name = function_at(pc);
  static const std::set<std::string> kTraced = {"onM",          "onM_legacy",  "onM_remember",
                                                "onM_signalok", "systemstack", "traced_fn",
                                                "cmcall",       "mcall",       "gogo"};
  if (!kTraced.contains(name)) return;
  stops.push_back(Stop{pc, sigctxsp(*uc), walk_from(pc)});
}

void (*traced_stub)(const FuncVal*);
FuncVal traced_funcval;

extern "C" {
__attribute__((noinline)) void traced_fn() {
  asm volatile("");
}
void traced_mcall_fn(G* gp) {
  gogo(&gp->sched);
}
// Calls the stub with the trap flag set.
__attribute__((noinline)) void traced_caller() {
  tracing = true;
  asm volatile("int3");
  traced_stub(&traced_funcval);
  tracing = false;
  asm volatile("");
}
__attribute__((noinline)) void traced_callers_caller() {
  traced_caller();
  asm volatile("");
}
}

// Single-steps through the stub, called by a G, or on g0. The steps' handler has a stack of its
// own.
void trace_stub(void (*stub)(const FuncVal*), FuncVal fn, void (*body)()) {
  stops.clear();
  traced_stub = stub;
  traced_funcval = fn;
  symbols();
  static char handler_stack[1 << 18];
  stack_t stack{}, old_stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  sigaltstack(&stack, &old_stack);
  struct sigaction action {
  }, old_action{};
  action.sa_sigaction = on_step;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &action, &old_action);
  run_gs({body});
  sigaction(SIGTRAP, &old_action, nullptr);
  sigaltstack(&old_stack, nullptr);
}

struct Switch {
  const char* name;
  void (*stub)(const FuncVal*);
};
void PrintTo(const Switch& each, std::ostream* out) {
  *out << each.name;
}

class Unwinding : public testing::TestWithParam<Switch> {};

// How many instructions of a function were seen.
unsigned instructions(const std::string& function) {
  std::set<Word> pcs;
  for (const Stop& stop : stops) {
    if (function_at(stop.pc) == function) pcs.insert(stop.pc);
  }
  return static_cast<unsigned>(pcs.size());
}

// onM_signalok jumps to onM.
std::string in_stub(const std::string& functions) {
  for (const char* name : {"traced_fn onM_legacy ", "traced_fn onM_remember ", "traced_fn onM ",
                           "traced_fn systemstack "}) {
    if (functions.starts_with(name)) return functions.substr(std::strlen(name));
  }
  return functions.substr(functions.find(' ') + 1);
}

TEST_P(Unwinding, FromCurgFindsTheCallerAtEachInstruction) {
  trace_stub(GetParam().stub, funcval(traced_fn), traced_callers_caller);
  bool switched = false;
  for (const Stop& stop : stops) {
    switched = switched || within(the_m()->g0, stop.sp);
    EXPECT_EQ(in_stub(stop.functions), "traced_caller traced_callers_caller goexit ")
        << function_at(stop.pc) << " " << std::hex << stop.pc << ": " << stop.functions;
  }
  EXPECT_TRUE(switched);
  EXPECT_GE(instructions("onM_signalok") + instructions("onM") + instructions("onM_legacy") +
                instructions("onM_remember") + instructions("systemstack"),
            20U);
  EXPECT_GE(instructions(GetParam().name), 4U);
  EXPECT_GE(instructions("traced_fn"), 1U);
}

TEST_P(Unwinding, FromG0FindsTheCallerAndTheGThatWaits) {
  trace_stub(GetParam().stub, funcval(traced_fn), on_g0<traced_callers_caller>);
  for (const Stop& stop : stops) {
    const std::string callers = in_stub(stop.functions);
    EXPECT_TRUE(callers.starts_with("traced_caller traced_callers_caller onM "))
        << function_at(stop.pc) << " " << std::hex << stop.pc << ": " << stop.functions;
    EXPECT_TRUE(callers.ends_with(" goexit ")) << stop.functions;
  }
  EXPECT_GE(instructions(GetParam().name), 4U);
  EXPECT_GE(instructions("traced_fn"), 1U);
}

INSTANTIATE_TEST_SUITE_P(Each, Unwinding,
                         testing::Values(Switch{"onM", onM}, Switch{"onM_legacy", onM_legacy},
                                         Switch{"onM_remember", onM_remember},
                                         Switch{"onM_signalok", onM_signalok},
                                         Switch{"systemstack", systemstack}),
                         [](const auto& info) { return std::string(info.param.name); });

// Before the switch the caller is found. Behind it nobody is returned to, until gogo has set SP: then
// it stands in the G that it goes to.
TEST(UnwindingMcall, EndsWhereNobodyIsReturnedTo) {
  trace_stub(cmcall, funcval(traced_mcall_fn), traced_callers_caller);
  const std::string callers = "traced_caller traced_callers_caller goexit ";
  for (const Stop& stop : stops) {
    const std::string name = function_at(stop.pc);
    const bool on_curg = !within(the_m()->g0, stop.sp);
    const bool returns = name == "cmcall" || (name == "mcall" && on_curg);
    std::string expected = name + " ";
    if (name == "gogo" && !on_curg) expected += "traced_mcall_fn mcall ";
    if (name == "gogo" && on_curg) expected += "cmcall " + callers;
    if (name == "mcall" && returns) expected += "cmcall ";
    if (returns) expected += callers;
    EXPECT_EQ(stop.functions, expected) << std::hex << stop.pc;
  }
  EXPECT_GE(instructions("cmcall"), 15U);
  EXPECT_GE(instructions("mcall"), 15U);
  EXPECT_GE(instructions("gogo"), 10U);
}

TEST(UnwindingHandler, GoesOnInTheInterruptedG) {
  symbols();
  static std::string functions;
  functions.clear();
  const Handling handling(SIGUSR1, [](int, void*, void*, G*) { functions = walk_from(0); });
  run_gs({interrupted_here});
  EXPECT_NE(functions.find(" sighandler sigtramp "), functions.npos) << functions;
  EXPECT_TRUE(functions.ends_with(" interrupted_here goexit ")) << functions;
}

}  // namespace
}  // namespace runtime
