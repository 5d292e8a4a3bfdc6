// Tests of the trial engine on the Go subject, in process: each verdict fires for real; a signal
// lands at every boundary, by every source; trials repeat exactly and leave nothing behind;
// prediction.
//
// Sabotage forces the states that a trial does not reach by itself: the engine runs an act on the
// handler's stack, which spoils the part that the verdict is about.
#include <capstone/capstone.h>

#include "stress/base/harmless.h"
#include "stress/engine/engine.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bit>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <set>

#include "runtime/runtime.h"
#include "runtime/slots.h"
#include "runtime/stubs.h"
#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"
#include "stress/trap/sources.h"

namespace sigsweep {

// How GoogleTest shows a verdict.
void PrintTo(Verdict v, std::ostream* out);
void PrintTo(Verdict v, std::ostream* out) {
  *out << verdict_name(v);
}

namespace {

using runtime::G;
using runtime::getg;
using runtime::M;

constexpr std::uint64_t kSeed = 81;

// Shared with the children that a test forks, like a runner's with its host.
volatile std::uint64_t* serial() {
  static void* const page = mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return static_cast<volatile std::uint64_t*>(page);
}

Engine& engine() {
  static Engine the_engine(subject());
  static const std::string problem = the_engine.attach(serial());
  EXPECT_EQ(problem, "");
  return the_engine;
}

unsigned protocol(std::string_view name) {
  const int i = find_protocol(subject(), name);
  EXPECT_GE(i, 0) << name;
  return static_cast<unsigned>(i);
}
unsigned site(std::string_view name) {
  if (name == "none") return kNoHandler;
  const int i = find_site(subject(), name);
  EXPECT_GE(i, 0) << name;
  return static_cast<unsigned>(i);
}

// A site under a protocol, ready for trials.
struct Bench {
  Bench(std::string_view protocol_name, std::string_view site_name,
        std::string_view handler = "none", Source source = Source::direct) {
    engine();
    request.protocol = protocol(protocol_name);
    request.site = site(site_name);
    request.handler = site(handler);
    request.source = source;
    request.signal = source == Source::itimer ? SIGALRM : SIGUSR2;
    request.seed = kSeed;
    EXPECT_EQ(trap::prepare(source), "");
    EXPECT_EQ(sweeper.prepare(request.protocol, request.site, kSeed), "");
    EXPECT_EQ(sweeper.without_signal().verdict, Verdict::ok) << sweeper.without_signal().detail;
  }

  unsigned count() const { return static_cast<unsigned>(sweeper.trace().boundaries.size()); }
  const Boundary& boundary(unsigned i) const { return sweeper.trace().boundaries[i]; }
  Plan plan(unsigned at) const { return sweeper.plan_for(request, Point{at, 0}, kSeed + at); }
  Judgement run(unsigned at) const { return run(plan(at)); }
  Judgement run(const Plan& p) const {
    const TrialResult ran = engine().run(p);
    seen = &ran.seen;
    return ran.judgement;
  }
  CellResult sweep() {
    CellSweeper::Listener listener;
    listener.starting = [](const Point&) {};
    listener.example = [this](const Example& e) {
      if (!e.reason.empty()) reason = boundary(e.point.first).phase.text() + ": " + e.reason;
    };
    listener.again = [this] { agains++; };
    return sweeper.run(request, listener);
  }

  CellRequest request;
  Traces traces{engine()};
  CellSweeper sweeper{traces};
  mutable const Observation* seen = nullptr;
  std::string reason;  // why a prediction failed
  unsigned agains = 0;
};

std::uint64_t times(const CellResult& result, Verdict v) {
  return result.verdicts[static_cast<unsigned>(v)];
}

// While it lives, each handler ends with this act.
class Sabotage {
 public:
  explicit Sabotage(void (*act)(ucontext_t*)) {
    acts = 0;
    engine().sabotage(act);
  }
  ~Sabotage() { engine().sabotage(nullptr); }
  Sabotage(const Sabotage&) = delete;
  Sabotage& operator=(const Sabotage&) = delete;

  static int acts;  // for acts that do something else the second time
};
int Sabotage::acts = 0;

M* the_m() {
  return getg()->m;  // in a handler
}
std::uint64_t& word_at(std::uint64_t address) {
  return *reinterpret_cast<std::uint64_t*>(address);
}
greg_t& reg(ucontext_t* uc, int index) {
  return uc->uc_mcontext.gregs[index];
}

std::uint64_t sabotaged_pc;  // for acts at only one boundary

// ---- verdicts without sabotage

TEST(Verdicts, OkWithoutACall) {
  for (const Protocol& p : subject().protocols()) {
    Bench bench(p.name, "largeAlloc_m");
    const CellResult result = bench.sweep();
    EXPECT_EQ(times(result, Verdict::ok), result.trials) << p.name;
  }
}

TEST(Verdicts, OkWithSavedSlots) {
  Bench bench("signalok_saved", "largeAlloc_m", "setFinalizer_m");
  const CellResult result = bench.sweep();
  EXPECT_EQ(times(result, Verdict::ok), result.trials);
}

TEST(Verdicts, Rejected) {
  Bench bench("reject", "largeAlloc_m", "setFinalizer_m");
  const CellResult result = bench.sweep();
  EXPECT_EQ(times(result, Verdict::rejected), result.trials);
}

TEST(Verdicts, CrashAndWrongSwitch) {
  Bench bench("legacy", "largeAlloc_m", "setgcpercent_m");
  const CellResult result = bench.sweep();
  EXPECT_GT(times(result, Verdict::crash), 0U);
  EXPECT_GT(times(result, Verdict::wrong_switch), 0U);
  EXPECT_EQ(times(result, Verdict::ok), 0U);
}

// Expects the verdict at each boundary, and the slot that it names.
void expect_clobbered(const char* site_name, const char* handler, Verdict verdict, SlotMask slots) {
  Bench bench("signalok_raw", site_name, handler);
  unsigned found = 0;
  for (unsigned b = 0; b < bench.count(); b++) {
    const Judgement j = bench.run(b);
    if (j.verdict == Verdict::ok) continue;
    EXPECT_EQ(j.verdict, verdict) << bench.boundary(b).phase;
    EXPECT_EQ(j.slots, slots) << bench.boundary(b).phase;
    found++;
  }
  EXPECT_GT(found, 0U);
  EXPECT_LT(found, bench.count());
}

// Replaces sigtramp as the entry, for signals that the kernel delivers.
void with_entry(void (*entry)(int, siginfo_t*, void*), Verdict verdict, std::string_view detail) {
  Bench bench("signalok_saved", "scavenge_m", "none", Source::kill);
  struct sigaction before {};
  sigaction(SIGUSR2, nullptr, &before);
  struct sigaction other = before;
  other.sa_sigaction = entry;
  sigaction(SIGUSR2, &other, nullptr);
  const Judgement j = bench.run(0);
  sigaction(SIGUSR2, &before, nullptr);
  EXPECT_EQ(j.verdict, verdict);
  EXPECT_EQ(j.detail, detail);
  EXPECT_EQ(bench.run(0).verdict, Verdict::ok);
}

void tells_of_gsignal(int sig, siginfo_t* info, void* ctx) {
  G* gp = getg();
  runtime::setg(gp->m->gsignal);
  runtime::sighandler(sig, info, ctx, getg());
  runtime::setg(gp);
}

TEST(Verdicts, WrongSwitchIfTheHandlerIsToldOfAnotherG) {
  with_entry(tells_of_gsignal, Verdict::wrong_switch,
             "the handler was told that something else was interrupted");
}

TEST(Verdicts, ArgClobbered) {
  expect_clobbered("gc_m", "mcacheRefill_m", Verdict::arg_clobbered, 1U);
}

TEST(Verdicts, ResultClobbered) {
  expect_clobbered("signal_recv_m", "mcacheRefill_m", Verdict::result_clobbered, 1U);
}

TEST(Verdicts, SlotLeak) {
  Bench bench("signalok_raw", "exitsyscallfast_pidle", "mcacheRefill_m");
  const Judgement j = bench.run(bench.count() - 1);
  EXPECT_EQ(j.verdict, Verdict::slot_leak);
  EXPECT_EQ(j.slots, 1U);
}

// ---- state-leak: by sabotage of the state that the handler returns to, and of the runtime's state

struct Leak {
  const char* name;
  void (*act)(ucontext_t* uc);
  const char* detail;
  bool at_end;  // at the operation's last boundary; else at its first
};

void PrintTo(const Leak& leak, std::ostream* out) {
  *out << leak.name;
}

template <int Register>
void flip(ucontext_t* uc) {
  reg(uc, Register) ^= 0x10000;
}

// A call slipped in at the operation's first instruction, on the interrupted stack. Some state is
// restored by the kernel or sighandler when a handler returns: it can be changed only there.
void (*slipped_in)();
void (*interrupted)(void*);
void detour(void* frame) {
  slipped_in();
  interrupted(frame);
}
template <void Act()>
void slip_in(ucontext_t* uc) {
  slipped_in = Act;
  interrupted = reinterpret_cast<void (*)(void*)>(reg(uc, REG_RIP));
  reg(uc, REG_RIP) = reinterpret_cast<greg_t>(detour);
}

void set_errno() {
  errno = 7;
}
stack_t right_stack;
void set_alternate_stack() {
  alignas(16) static char other[1 << 16];
  stack_t stack{};
  stack.ss_sp = other;
  stack.ss_size = sizeof other;
  sigaltstack(&stack, &right_stack);
}
void put_alternate_stack_back() {
  sigaltstack(&right_stack, nullptr);
}

const Leak kLeaks[] = {
    {"mask", [](ucontext_t* uc) { sigaddset(&uc->uc_sigmask, SIGURG); }, "signal mask", false},
    {"rbx", flip<REG_RBX>, "rbx", false},
    {"r12", flip<REG_R12>, "r12", false},
    {"r13", flip<REG_R13>, "r13", false},
    {"r14", flip<REG_R14>, "r14", false},
    {"r15", flip<REG_R15>, "r15", false},
    {"rbp", flip<REG_RBP>, "frame pointer", false},
    {"direction_flag", [](ucontext_t* uc) { reg(uc, REG_EFL) |= 0x400; }, "direction flag", false},
    {"mxcsr", [](ucontext_t* uc) { uc->uc_mcontext.fpregs->mxcsr ^= 0x6000; }, "MXCSR", false},
    {"x87", [](ucontext_t* uc) { uc->uc_mcontext.fpregs->cwd ^= 0x0c00; }, "x87 control word",
     false},
    {"alternate_stack", slip_in<set_alternate_stack>, "alternate stack", false},
    {"errno", slip_in<set_errno>, "errno", false},
    {"curg_sched", [](ucontext_t*) { the_m()->curg->sched.ret = 1; }, "the subject's state", false},
    {"g0_sched", [](ucontext_t*) { the_m()->g0->sched.ret = 1; }, "the subject's state", false},
    {"curg", [](ucontext_t*) { the_m()->curg = the_m()->gsignal; }, "the subject's state", true},
};

class StateLeak : public testing::TestWithParam<Leak> {};

TEST_P(StateLeak, IsSeen) {
  for (const Source source : {Source::direct, Source::kill}) {
    Bench bench("signalok_saved", "scavenge_m", "none", source);
    const unsigned at = GetParam().at_end ? bench.count() - 1 : 0;
    {
      const Sabotage sabotage(GetParam().act);
      const Judgement j = bench.run(at);
      EXPECT_EQ(j.verdict, Verdict::state_leak);
      EXPECT_STREQ(j.detail, GetParam().detail);
      EXPECT_EQ(bench.seen->landed, 1U);
    }
    EXPECT_EQ(bench.run(at).verdict, Verdict::ok) << "the same without sabotage, afterwards";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, StateLeak, testing::ValuesIn(kLeaks),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- stack-smash: memory of interrupted stacks that is in use, but that is not read again

void expect_smash(const char* symbol, void (*act)(ucontext_t*)) {
  for (const Source source : {Source::direct, Source::kill}) {
    Bench bench("signalok_saved", "scavenge_m", "none", source);
    const auto at = static_cast<unsigned>(bench.sweeper.trace().find(symbol, 0, 1));
    {
      const Sabotage sabotage(act);
      EXPECT_EQ(bench.run(at).verdict, Verdict::stack_smash);
    }
    EXPECT_EQ(bench.run(at).verdict, Verdict::ok);
  }
}

// rbp, as the G's first function saved it: no code needs it.
void smash_curg(ucontext_t*) {
  word_at(the_m()->curg->stack.hi - 16) ^= 1;
}

TEST(StackSmash, InAFrameOfTheInterruptedG) {
  expect_smash("scavenge_m_call", smash_curg);
}

TEST(StackSmash, InTheRedZone) {
  expect_smash("scavenge_m_call", [](ucontext_t* uc) {
    word_at(static_cast<std::uint64_t>(reg(uc, REG_RSP)) - 128) ^= 1;
  });
}

void enters_over_the_red_zone(int sig, siginfo_t* info, void* ctx) {
  word_at(static_cast<std::uint64_t>(reg(static_cast<ucontext_t*>(ctx), REG_RSP)) - 8) ^= 1;
  runtime::sigtramp(sig, info, ctx);
}

TEST(StackSmash, ByTheSignalsEntry) {
  with_entry(enters_over_the_red_zone, Verdict::stack_smash,
             "stack memory in use changed while the handler ran");
}

TEST(StackSmash, InAFrameOfTheGThatWaitsForG0) {
  expect_smash("scavenge_m", smash_curg);
}

// ---- hang, lost-signal

TEST(Verdicts, Hang) {
  for (const Source source : {Source::direct, Source::kill}) {
    Bench bench("signalok_saved", "scavenge_m", "none", source);
    {
      const Sabotage sabotage([](ucontext_t*) {
        for (;;) asm volatile("");
      });
      EXPECT_EQ(bench.run(bench.count() / 2).verdict, Verdict::hang);
    }
    EXPECT_EQ(bench.run(bench.count() / 2).verdict, Verdict::ok);
  }
}

// The handler that ends a hang masks the signal that caused it. In a sweep a trial does not ask for
// the mask: then the second hang would not be ended.
TEST(Verdicts, HangAfterHangInASweep) {
  for (const Source source : {Source::direct, Source::kill}) {
    Bench bench("signalok_saved", "scavenge_m", "none", source);
    const Sabotage sabotage([](ucontext_t*) {
      for (;;) asm volatile("");
    });
    const CellResult result = bench.sweep();
    EXPECT_GT(times(result, Verdict::hang), 1U);
    EXPECT_EQ(times(result, Verdict::hang), result.trials);
  }
}

// The signal is sent for real, and the kernel drops it: its disposition has been changed.
TEST(Verdicts, LostSignal) {
  for (const Source source : {Source::kill, Source::itimer, Source::peer}) {
    Bench bench("signalok_saved", "scavenge_m", "scavenge_m", source);
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;
    ASSERT_EQ(sigaction(bench.request.signal, &ignore, &before), 0);
    EXPECT_EQ(bench.run(3).verdict, Verdict::lost_signal);
    EXPECT_EQ(bench.seen->hits, 1U);
    EXPECT_EQ(bench.seen->landed, 0U);
    ASSERT_EQ(sigaction(bench.request.signal, &before, nullptr), 0);
    EXPECT_EQ(bench.run(3).verdict, Verdict::ok);
    EXPECT_EQ(bench.seen->landed, 1U);
  }
}

// ---- two signals in one operation: the first, which calls nothing, spoils state that the second
// one's call needs; the second one's end repairs it

Judgement run_two(Bench* bench, unsigned first, unsigned second, void (*act)(ucontext_t*)) {
  Plan plan = bench->plan(second);
  plan.injections = 2;
  plan.injection[1] = bench->plan(first).injection[0];
  plan.injection[1].handler = kNoHandler;
  const Sabotage sabotage(act);
  const Judgement judgement = bench->run(plan);
  EXPECT_EQ(bench->seen->landed, 2U);
  return judgement;
}

void nothing(ucontext_t*) {}

void mask_the_second(ucontext_t* uc) {
  if (Sabotage::acts++ == 0) sigaddset(&uc->uc_sigmask, SIGUSR2);
}

void mask_the_second_and_return_nowhere(ucontext_t* uc) {
  mask_the_second(uc);
  word_at(static_cast<std::uint64_t>(reg(uc, REG_RSP))) = 0;  // the operation's own way back
}

void expect_waiting(void (*act)(ucontext_t*), End end, std::uint32_t waited) {
  Bench bench("signalok_saved", "scavenge_m", "none", Source::kill);
  Plan plan = bench.plan(bench.count() - 1);
  plan.injections = 2;
  plan.injection[1] = bench.plan(0).injection[0];
  const Sabotage sabotage(act);
  const auto& [seen, judgement, at, slots, child] = engine().run(plan);
  EXPECT_EQ(seen.end, end);
  EXPECT_EQ(seen.hits, 2U);
  EXPECT_EQ(seen.landed, 1U);
  EXPECT_EQ(seen.waited, waited);
  EXPECT_EQ(seen.unreached(), waited);
  EXPECT_NE(judgement.verdict, Verdict::ok);
}

// The first leaves a state that keeps the second from its boundary. If the trial comes back all the
// same, that signal is lost. If it does not, the second was diverted, like a signal whose boundary
// was never reached.
TEST(Waiting, IsUnreachedOnlyIfTheTrialNeverCameBack) {
  expect_waiting(mask_the_second, End::finished, 0);
  expect_waiting(mask_the_second_and_return_nowhere, End::faulted, 1);
}

G wrong_gsignal;
G* right_gsignal;

// gsignal names a G whose stack is not the one that the kernel switches to.
void swap_gsignal(ucontext_t*) {
  M* mp = the_m();
  if (Sabotage::acts++ == 0) {
    right_gsignal = mp->gsignal;
    wrong_gsignal.m = mp;
    mp->gsignal = &wrong_gsignal;
  } else {
    mp->gsignal = right_gsignal;
  }
}

TEST(Verdicts, HandlerClobbered) {
  Bench bench("signalok_raw", "scavenge_m", "mcacheRefill_m");
  const Judgement j = run_two(&bench, 0, 1, swap_gsignal);
  EXPECT_EQ(j.verdict, Verdict::handler_clobbered);
  EXPECT_STREQ(j.detail, "fn ran with a wrong g");
  EXPECT_EQ(run_two(&bench, 0, 1, nothing).verdict, Verdict::ok);
}

// At the operation's first instruction another alternate stack is registered for the thread. The
// handler lands at the second. At the stub's first instruction the old stack is put back.
void borrow_alternate_stack(ucontext_t* uc) {
  const int act = Sabotage::acts++;
  if (act == 0) slip_in<set_alternate_stack>(uc);
  if (act == 2) slip_in<put_alternate_stack_back>(uc);
}

TEST(Verdicts, HandlerClobberedOnAnotherStack) {
  Bench bench("signalok_raw", "scavenge_m", "mcacheRefill_m");
  const auto stub = static_cast<unsigned>(bench.sweeper.trace().find("onM", 0, 1));
  Plan plan = bench.plan(1);
  plan.injections = 3;
  plan.injection[1] = bench.plan(0).injection[0];
  plan.injection[2] = bench.plan(stub).injection[0];
  plan.injection[1].handler = plan.injection[2].handler = kNoHandler;
  {
    const Sabotage sabotage(borrow_alternate_stack);
    const TrialResult hurt = engine().run(plan);
    EXPECT_EQ(hurt.seen.landed, 3U);
    EXPECT_EQ(hurt.judgement.verdict, Verdict::handler_clobbered);
    EXPECT_STREQ(hurt.judgement.detail, "fn ran on a wrong stack");
  }
  const TrialResult ran = engine().run(plan);
  EXPECT_EQ(ran.seen.landed, 3U);
  EXPECT_EQ(ran.judgement.verdict, Verdict::ok);
}

G* right_curg;

// m->curg names gsignal: onM takes the handler for the user's G.
void swap_curg(ucontext_t*) {
  M* mp = the_m();
  if (Sabotage::acts++ == 0) {
    right_curg = mp->curg;
    mp->curg = mp->gsignal;
  } else {
    mp->curg = right_curg;
  }
}

TEST(Verdicts, MissedReject) {
  Bench bench("reject", "scavenge_m", "mcacheRefill_m");
  const unsigned last = bench.count() - 1;
  EXPECT_EQ(run_two(&bench, last - 1, last, swap_curg).verdict, Verdict::missed_reject);
  EXPECT_EQ(run_two(&bench, last - 1, last, nothing).verdict, Verdict::rejected);
}

TEST(Verdicts, FalseReject) {
  for (const char* name : {"reject", "signalok_raw"}) {
    Bench bench(name, "largeAlloc_m");
    {
      const Sabotage sabotage([](ucontext_t*) { the_m()->curg = the_m()->gsignal; });
      EXPECT_EQ(bench.run(0).verdict, Verdict::false_reject);
    }
    EXPECT_EQ(bench.run(0).verdict, Verdict::ok);
  }
}

// ---- bad-reject: state changes between the handler's call and the throw. The runtime's hook for
// throws comes first in gothrow, so its changes come before the throw.

void (*engines_hook)(const char*);
M* thrown_on;
void (*before_throw)();

void spoil_then_throw(const char* message) {
  thrown_on = getg()->m;
  before_throw();
  engines_hook(message);
}

Verdict reject_after(void (*change)()) {
  Bench bench("reject", "largeAlloc_m", "mcacheRefill_m");
  engines_hook = runtime::throwhook;
  before_throw = change;
  runtime::throwhook = spoil_then_throw;
  const Verdict verdict = bench.run(0).verdict;
  runtime::throwhook = engines_hook;
  return verdict;
}

TEST(BadReject, NotIfNothingChanged) {
  EXPECT_EQ(reject_after([] {}), Verdict::rejected);
}
TEST(BadReject, AGChanged) {
  EXPECT_EQ(reject_after([] { thrown_on->curg->sched.ret = 1; }), Verdict::bad_reject);
  EXPECT_EQ(reject_after([] { thrown_on->g0->sched.pc++; }), Verdict::bad_reject);
  EXPECT_EQ(reject_after([] { thrown_on->gsignal->sched.pc++; }), Verdict::bad_reject);
  EXPECT_EQ(reject_after([] { thrown_on->gsignal->sched.g = thrown_on->gsignal; }),
            Verdict::bad_reject);
}
TEST(BadReject, TheMChanged) {
  EXPECT_EQ(reject_after([] { thrown_on->curg = nullptr; }), Verdict::bad_reject);
}
TEST(BadReject, ASlotChanged) {
  EXPECT_EQ(reject_after([] { thrown_on->scalararg[0]++; }), Verdict::bad_reject);
  EXPECT_EQ(reject_after([] { thrown_on->ptrarg[3] = thrown_on; }), Verdict::bad_reject);
}
TEST(BadReject, TheInterruptedStackChanged) {
  EXPECT_EQ(reject_after([] { word_at(thrown_on->curg->stack.hi - 16) ^= 1; }),
            Verdict::bad_reject);
}

// ---- a switch that orders its Gs, instead of comparing them, would be ok here by chance

unsigned outside;  // Gs that have gsignal and g0 not on one side

TEST(Layout, G0LiesBetweenTheOtherGs) {
  Bench bench("signalok_saved", "scavenge_m");
  outside = 1;
  const Sabotage sabotage([](ucontext_t*) {
    const auto g0 = as_address<G>(the_m()->g0);
    const bool above = as_address<G>(the_m()->gsignal) > g0;
    outside = 0;
    for (const G* gp = runtime::sched.allg; gp != nullptr; gp = gp->alllink) {
      if ((as_address(gp) < g0) != above) outside++;
    }
  });
  bench.run(0);
  EXPECT_EQ(outside, 0U);
}

// ---- two signals

using Symbols = std::vector<std::string>;

// The functions that the operation passes through, one entry for each change of function.
Symbols path(const Trace& trace) {
  Symbols symbols;
  for (const Boundary& b : trace.boundaries) {
    if (symbols.empty() || symbols.back() != b.symbol) symbols.push_back(b.symbol);
  }
  return symbols;
}

struct Pairs : Bench {
  Pairs(std::string_view protocol_name, std::string_view site_name, std::string_view handler,
        Form form, Source source = Source::direct)
      : Bench(protocol_name, site_name, handler, source) {
    request.form = form;
    EXPECT_EQ(sweeper.prepare_handler(request.protocol, request.handler), "");
  }
  const Trace& handler_trace() const { return sweeper.handler_trace(); }
};

TEST(Nested, TheHandlersWayBeginsAndEndsInSigtramp) {
  for (const char* name :
       {"signalok_saved", "closure", "systemstack", "remember", "mcall_gsignal"}) {
    Bench(name, "mcacheRefill_m", "mcacheRefill_m").run(0);  // its traps are of another kind
    Pairs pairs(name, "mcacheRefill_m", "mcacheRefill_m", Form::nested);
    const Symbols symbols = path(pairs.handler_trace());
    EXPECT_TRUE(pairs.handler_trace().complete) << name;
    ASSERT_GE(symbols.size(), 4U) << name;
    EXPECT_EQ(symbols.front(), "sigtramp") << name;
    EXPECT_EQ(symbols[1], "sighandler") << name;
    EXPECT_EQ(symbols.back(), "sigtramp") << name;
  }
}

// legacy's handler goes back to curg with SP = 0: a trap can't have its frame there.
TEST(Nested, AHandlerThatGoesAstrayIsRecordedAsFarAsItCame) {
  Pairs pairs("legacy", "mcacheRefill_m", "mcacheRefill_m", Form::nested);
  EXPECT_FALSE(pairs.handler_trace().complete);
  EXPECT_EQ(pairs.handler_trace().boundaries.front().symbol, "sigtramp");
  EXPECT_GE(pairs.handler_trace().find("onM_legacy", 0, 1), 0);
}

// 300 ms of this thread's own.
void take_cpu_time(ucontext_t*) {
  timespec start{}, now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
  do {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 300);
}

// A recording steps. The longest took 60 ms on one machine; on another, more than a trial's limit.
TEST(Nested, ARecordingHasMoreTimeThanATrial) {
  const Sabotage sabotage(take_cpu_time);
  Pairs pairs("signalok_saved", "scavenge_m", "scavenge_m", Form::nested);
  EXPECT_TRUE(pairs.handler_trace().complete);
  EXPECT_EQ(pairs.run(0).verdict, Verdict::hang) << "a trial has not";
}

TEST(Nested, EveryPairLandsTwice) {
  for (const Source source : {Source::direct, Source::kill}) {
    Pairs pairs("signalok_saved", "mcacheRefill_m", "setFinalizer_m", Form::nested, source);
    const CellResult result = pairs.sweep();
    EXPECT_EQ(result.trials, pairs.count() * pairs.handler_trace().boundaries.size());
    EXPECT_EQ(result.landed, 2 * result.trials);
    EXPECT_EQ(result.unreached, 0U);
    EXPECT_EQ(times(result, Verdict::ok), result.trials);
    EXPECT_EQ(result.mismatches, 0U) << pairs.reason;
  }
}

// ---- the frames that AMX makes: 8 KiB larger, once a process has requested AMX and a tile holds
// data

#if defined(__x86_64__)

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64};
  std::uint8_t rows[16] = {16};
};

__attribute__((target("amx-tile"))) void load_a_tile() {
  static const TileConfig config;
  asm volatile("ldtilecfg %0; tilezero %%tmm0" : : "m"(config));
}

// Empty, or why this machine has no such frames.
std::string use_amx() {
  constexpr unsigned kTileInEdx = 1U << 24;
  // Of asm/prctl.h, which some distributions lack in this version.
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kTileInEdx) == 0)
    return "the processor has no AMX";
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) != 0) {
    return std::string("the kernel gives no permission for AMX: ") + strerror(errno);
  }
  load_a_tile();
  return {};
}

TEST(LargeFrames, OfAmxChangeNothing) {
  engine();
  const Forked child = run_in_child([] {
    if (const std::string problem = use_amx(); !problem.empty()) {
      fprintf(stderr, "%s", problem.c_str());
      _exit(77);
    }
    if (!engine().resume().empty()) _exit(3);
    for (const Source source : {Source::direct, Source::kill}) {
      Pairs pairs("signalok_saved", "mcacheRefill_m", "mcacheRefill_m", Form::nested, source);
      const CellResult result = pairs.sweep();
      if (times(result, Verdict::ok) != result.trials || result.landed != 2 * result.trials)
        _exit(1);
    }
  });
  if (child.exit_status == 77) GTEST_SKIP() << child.output;
  EXPECT_EQ(child.exit_status, kCameBack) << child.output << " signal " << child.signal;
}

#endif

TEST(Nested, ASecondHandlerSpoilsTheFirstOnesCall) {
  Pairs pairs("signalok_raw", "scavenge_m", "mcacheRefill_m", Form::nested);
  const CellResult result = pairs.sweep();
  EXPECT_GT(times(result, Verdict::handler_clobbered), 0U);
  EXPECT_GT(times(result, Verdict::ok), 0U);
  EXPECT_EQ(times(result, Verdict::handler_clobbered) + times(result, Verdict::ok), result.trials);
}

TEST(Nested, WhatTheFirstRejectsTheSecondDoesNotReach) {
  Pairs pairs("reject", "scavenge_m", "mcacheRefill_m", Form::two);
  const CellResult result = pairs.sweep();
  EXPECT_EQ(times(result, Verdict::rejected), result.trials);
  EXPECT_EQ(result.landed, result.trials);
  EXPECT_EQ(result.unreached, result.trials);
}

TEST(Nested, RememberFailsWhereTheMarksSay) {
  Pairs pairs("remember", "mcacheRefill_m", "mcacheRefill_m", Form::nested);
  const CellResult result = pairs.sweep();
  EXPECT_TRUE(result.predicted);
  EXPECT_EQ(result.mismatches, 0U) << pairs.reason;
  EXPECT_GT(times(result, Verdict::ok), 0U);
  EXPECT_LT(times(result, Verdict::ok), result.trials);
}

// legacy's handler on an idle M goes back to no curg. There a second signal finds no g, and ends
// the trial on its way to its handler. Even so, it has struck at its boundary.
TEST(Nested, ASignalThatThrowsOnItsWayHasLanded) {
  Pairs pairs("legacy", "setgcpercent_m@idle", "mcacheRefill_m", Form::nested, Source::kill);
  const Trace& handler = pairs.handler_trace();
  unsigned without_g = 0;
  for (unsigned i = 0; i < handler.boundaries.size(); i++) {
    const TrialResult ran = engine().run(pairs.sweeper.plan_for(pairs.request, Point{0, i}, 1));
    const Observation& seen = ran.seen;
    if (seen.message == nullptr ||
        std::string_view(seen.message) != "signal on a thread without a g")
      continue;
    without_g++;
    EXPECT_EQ(seen.landed, 2U) << handler.boundaries[i].phase;
    EXPECT_FALSE(seen.has_entered(1)) << handler.boundaries[i].phase;
    EXPECT_EQ(ran.judgement.verdict, Verdict::crash) << handler.boundaries[i].phase;
  }
  EXPECT_GT(without_g, 0U);
}

// The second signal may interrupt the first one on the way to its handler, and its own handler may
// end the trial there. Then both have struck.
TEST(Pairs, EverySignalIsAccountedForByEveryProtocol) {
  const auto protocols = subject().protocols();
  for (const Source source : {Source::direct, Source::kill}) {
    for (const Protocol& protocol : protocols) {
      for (const Form form : {Form::nested, Form::two}) {
        Pairs pairs(protocol.name, "scavenge_m", "scavenge_m", form, source);
        const CellResult result = pairs.sweep();
        EXPECT_GE(result.landed, result.trials) << protocol.name;
        EXPECT_EQ(result.requested, result.landed + result.unreached) << protocol.name;
      }
    }
  }
}

// The same code runs in the operation and in the handler: only the operation's passes count.
TEST(TwoInOne, TheHandlersPassesDoNotCount) {
  Pairs pairs("signalok_saved", "mcacheRefill_m", "mcacheRefill_m", Form::two);
  const CellResult result = pairs.sweep();
  EXPECT_EQ(result.trials, pairs.count() * (pairs.count() - 1) / 2);
  EXPECT_EQ(result.landed, 2 * result.trials);
  EXPECT_EQ(times(result, Verdict::ok), result.trials);
}

TEST(Blame, IsOnTheSignalThatAloneDoesIt) {
  Bench bench("signalok_raw", "gc_m", "mcacheRefill_m");
  unsigned spoiled = 0;
  while (spoiled < bench.count() && bench.run(spoiled).verdict == Verdict::ok) spoiled++;
  Plan plan = bench.plan(0);
  plan.injections = 3;
  plan.injection[1] = bench.plan(spoiled).injection[0];
  plan.injection[2] = bench.plan(bench.count() - 1).injection[0];
  const auto& [seen, judgement, at, slots, child] = engine().run(plan);
  EXPECT_EQ(judgement.verdict, Verdict::arg_clobbered);
  EXPECT_EQ(blamed_injection(engine(), plan, judgement, seen), 1U);
}

// Two signals that spoil a slot each, between signals that spoil none: the last of the smallest
// set.
TEST(Blame, IsFoundByTakingAwayWhatIsNotNeeded) {
  Bench argument("signalok_raw", "mheap_free_m", "ready_m");
  Bench scalar("signalok_raw", "mheap_free_m", "setgcpercent_m");
  unsigned first = 0;
  const auto spoils = [&](unsigned i) {
    return argument.run(i).verdict == Verdict::arg_clobbered &&
           scalar.run(i + 1).verdict == Verdict::arg_clobbered;
  };
  while (first + 4 < argument.count() && !spoils(first)) first++;
  ASSERT_LT(first + 4, argument.count());
  Plan plan = argument.plan(first);
  const auto add = [&](const Plan& one) { plan.injection[plan.injections++] = one.injection[0]; };
  add(scalar.plan(first + 1));
  const SlotMask both = engine().run(plan).judgement.slots;
  EXPECT_EQ(std::popcount(both), 2) << slot_names(subject(), both);
  for (const unsigned harmless : {argument.count() - 2, argument.count() - 1}) {
    add(argument.plan(harmless));
  }
  const auto& [seen, judgement, at, slots, child] = engine().run(plan);
  ASSERT_EQ(judgement.slots, both);
  EXPECT_EQ(seen.landed, 4U);
  EXPECT_EQ(blamed_injection(engine(), plan, judgement, seen), 1U);
}

// ---- in a child, where the end is real

TEST(Forked, EveryProtocolAsInPlace) {
  for (const Protocol& p : subject().protocols()) {
    Bench bench(p.name, "gc_m", "setgcpercent_m");
    const CellResult in_place = bench.sweep();
    bench.request.contain = Contain::fork;
    const CellResult forked = bench.sweep();
    EXPECT_EQ(forked.map, in_place.map) << p.name;
    EXPECT_EQ(forked.landed, forked.trials) << p.name;
  }
}

TEST(Forked, AHangIsSeenFromOutside) {
  Bench bench("signalok_saved", "scavenge_m", "none");
  const Sabotage sabotage([](ucontext_t*) {
    for (;;) asm volatile("");
  });
  const TrialResult hung = engine().run(bench.plan(2), Contain::fork);
  EXPECT_EQ(hung.judgement.verdict, Verdict::hang);
  EXPECT_EQ(hung.child.signal, SIGKILL);
}

// ---- throws for real

TEST(Throws, EveryBoundaryOfOneSite) {
  Bench bench("reject", "mcacheRefill_m", "setgcpercent_m");
  for (unsigned b = 0; b < bench.count(); b++) {
    const TrialResult ran = engine().run(bench.plan(b), Contain::fork);
    EXPECT_EQ(ran.seen.landed, 1U);
    EXPECT_EQ(ran.judgement.verdict, Verdict::rejected);
    const Forked& thrown = ran.child;
    EXPECT_EQ(*serial(), 0U) << "the child's trial must not look like one of this process";
    EXPECT_EQ(subject().check_throw_output(thrown.output, thrown.exit_status), "")
        << bench.boundary(b).phase << "\n"
        << thrown.output;
    EXPECT_EQ(thrown.signal, 0);
  }
}

TEST(Throws, ATrialThatThrowsNothingIsNone) {
  Bench bench("signalok_saved", "mcacheRefill_m", "setgcpercent_m");
  const TrialResult ran = engine().run(bench.plan(0), Contain::fork);
  EXPECT_EQ(ran.judgement.verdict, Verdict::ok);
  const Forked& thrown = ran.child;
  EXPECT_EQ(thrown.exit_status, 99);
  EXPECT_EQ(thrown.output, "");
  EXPECT_NE(subject().check_throw_output(thrown.output, thrown.exit_status), "");
}

// ---- boundaries

TEST(Boundaries, PassThroughCallerStubAndFn) {
  Bench bench("reject", "mcacheRefill_m");
  EXPECT_EQ(path(bench.sweeper.trace()), (Symbols{"mcacheRefill_m_call", "onM", "mcacheRefill_m",
                                                  "onM", "mcacheRefill_m_call"}));
  EXPECT_EQ(bench.boundary(0).pc, reinterpret_cast<std::uint64_t>(
                                      subject().entry(bench.request.protocol, bench.request.site)));
  EXPECT_EQ(bench.boundary(0).part, Part::caller);
  EXPECT_EQ(bench.boundary(0).phase, Phase("caller/g=curg/sp=curg/live=-", 1));
}

// Another disassembler says where the next instruction is, unless this one jumps.
TEST(Boundaries, LeaveOutNoInstruction) {
  Bench bench("reject", "mcacheRefill_m");
  csh handle = 0;
  ASSERT_EQ(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), CS_ERR_OK);
  cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
  unsigned returns = 0;
  for (unsigned b = 0; b + 1 < bench.count(); b++) {
    cs_insn* insn = nullptr;
    const std::uint64_t pc = bench.boundary(b).pc;
    ASSERT_EQ(cs_disasm(handle, reinterpret_cast<const std::uint8_t*>(pc), 16, pc, 1, &insn), 1U);
    const bool leaves = cs_insn_group(handle, insn, CS_GRP_JUMP) ||
                        cs_insn_group(handle, insn, CS_GRP_CALL) ||
                        cs_insn_group(handle, insn, CS_GRP_RET);
    if (!leaves) {
      EXPECT_EQ(bench.boundary(b + 1).pc, pc + insn->size) << bench.boundary(b).phase;
    }
    returns += cs_insn_group(handle, insn, CS_GRP_RET) ? 1 : 0;
    cs_free(insn, 1);
  }
  EXPECT_EQ(returns, 2U);  // fn's and onM's; the operation's own is the last boundary
  cs_close(&handle);
}

TEST(Boundaries, AreFoundByNameAndByPhase) {
  Bench bench("reject", "ready_m_casgstatus");
  const Trace& trace = bench.sweeper.trace();
  for (unsigned i = 0; i < bench.count(); i++) {
    const Boundary& b = bench.boundary(i);
    bool clamped = true;
    EXPECT_EQ(trace.find(b.symbol, b.offset, b.nth), static_cast<int>(i));
    EXPECT_EQ(trace.find_phase(b.phase, &clamped), static_cast<int>(i));
    EXPECT_FALSE(clamped);
  }
  EXPECT_EQ(trace.find("onM", 0, 3), -1);
  EXPECT_EQ(trace.find("onM", 1, 1), -1);
}

TEST(Boundaries, APhaseBeyondTheLastIsTheLast) {
  Bench bench("reject", "mcacheRefill_m");
  bool clamped = false;
  const int found =
      bench.sweeper.trace().find_phase(Phase("caller/g=curg/sp=curg/live=-", 9999), &clamped);
  ASSERT_GE(found, 0);
  EXPECT_TRUE(clamped);
  EXPECT_EQ(bench.boundary(static_cast<unsigned>(found)).phase.head(),
            "caller/g=curg/sp=curg/live=-");
  EXPECT_EQ(bench.sweeper.trace().find_phase(Phase("caller/g=g0/sp=g0/live=-", 1), &clamped), -1);
}

// Only in the child that records: so the handler's way has no end there, but is ok here.
pid_t home;
void crash_where_it_is_recorded(ucontext_t*) {
  if (getpid() != home) __builtin_trap();
}

TEST(Traces, SayWhatIsWrongEachTime) {
  engine();
  home = getpid();
  const Sabotage sabotage(crash_where_it_is_recorded);
  Traces traces{engine()};
  const Trace* trace = nullptr;
  for (int time = 0; time < 2; time++) {
    EXPECT_EQ(traces.of_handler(protocol("reject"), site("none"), &trace),
              "the way of handler none was not recorded to its end");
  }
}

// ---- passes

// onM runs twice in this operation: from curg, and from g0.
struct TwicePassed : Bench {
  TwicePassed() : Bench("reject", "ready_m_casgstatus") {}
  Judgement run_onM(std::uint32_t nth) {
    const int first = sweeper.trace().find("onM", 0, 1);
    Plan p = plan(static_cast<unsigned>(first));
    p.injection[0].nth = nth;
    const TrialResult ran = engine().run(p);
    seen = &ran.seen;
    sp_landed = static_cast<std::uint64_t>(ran.landed_at.uc_mcontext.gregs[REG_RSP]);
    return ran.judgement;
  }
  unsigned stack_landed_on() const { return subject().stack_of(sp_landed); }
  std::uint64_t sp_landed = 0;
};

TEST(Passes, TheSecondOneOnly) {
  TwicePassed bench;
  constexpr unsigned kG0 = 1;
  EXPECT_EQ(bench.run_onM(1).verdict, Verdict::ok);
  EXPECT_EQ(bench.seen->landed, 1U);
  EXPECT_NE(bench.stack_landed_on(), kG0);
  EXPECT_EQ(bench.run_onM(2).verdict, Verdict::ok);
  EXPECT_EQ(bench.seen->landed, 1U);
  EXPECT_EQ(bench.stack_landed_on(), kG0);
}

// A gate avoids traps at the passes before; it must not change where the signal lands.
TEST(Passes, BehindAGateItIsTheSameOne) {
  TwicePassed bench;
  const auto sp_landed = [&](const Plan& plan) {
    const TrialResult ran = engine().run(plan);
    EXPECT_EQ(ran.judgement.verdict, Verdict::ok);
    EXPECT_EQ(ran.landed_at.uc_mcontext.gregs[REG_RIP], static_cast<greg_t>(plan.injection[0].pc));
    return static_cast<std::uint64_t>(ran.landed_at.uc_mcontext.gregs[REG_RSP]);
  };
  unsigned gates = 0;
  for (unsigned i = 0; i < bench.count(); i++) {
    const Boundary& b = bench.boundary(i);
    EXPECT_EQ(b.gate != 0, b.nth > 1) << b.phase;  // this operation has one for each
    Plan plan = bench.plan(i);
    EXPECT_EQ(sp_landed(plan), b.sp) << b.phase;
    plan.injection[0].gate = 0;
    EXPECT_EQ(sp_landed(plan), b.sp) << b.phase;
    gates += b.gate != 0 ? 1 : 0;
  }
  EXPECT_GT(gates, 0U);
}

TEST(Passes, OneThatNeverComesDoesNotLand) {
  TwicePassed bench;
  EXPECT_EQ(bench.run_onM(3).verdict, Verdict::ok);
  EXPECT_EQ(bench.seen->requested, 1U);
  EXPECT_EQ(bench.seen->hits, 0U);
  EXPECT_EQ(bench.seen->landed, 0U);
  for (unsigned b = 0; b < bench.count(); b++) {
    EXPECT_EQ(bench.run(b).verdict, Verdict::ok);
    EXPECT_EQ(bench.seen->landed, 1U) << bench.boundary(b).phase;
  }
}

// ---- sources

constexpr const char* kSomeSites[] = {"mcacheRefill_m", "setFinalizer_m", "mheap_alloc_m",
                                      "ready_m_casgstatus", "gosched_m"};
constexpr const char* kSomeHandlers[] = {"mcacheRefill_m", "setFinalizer_m", "none"};

std::uint64_t map_of(std::string_view protocol_name, const char* site_name, const char* handler,
                     Source source) {
  Bench bench(protocol_name, site_name, handler, source);
  const CellResult result = bench.sweep();
  EXPECT_EQ(result.trials, bench.count());
  EXPECT_EQ(result.landed, result.trials)
      << protocol_name << " " << site_name << " " << handler << " by " << source_name(source);
  return result.map;
}

class Sources : public testing::TestWithParam<unsigned> {};

TEST_P(Sources, AllGiveTheSameVerdictAtEachBoundary) {
  const std::string_view name = subject().protocols()[GetParam()].name;
  for (const char* site_name : kSomeSites) {
    for (const char* handler : kSomeHandlers) {
      const std::uint64_t direct = map_of(name, site_name, handler, Source::direct);
      EXPECT_EQ(map_of(name, site_name, handler, Source::kill), direct)
          << name << " " << site_name << " " << handler;
      EXPECT_EQ(map_of(name, site_name, handler, Source::itimer), direct)
          << name << " " << site_name << " " << handler;
    }
  }
  EXPECT_EQ(map_of(name, "mcacheRefill_m", "mcacheRefill_m", Source::peer),
            map_of(name, "mcacheRefill_m", "mcacheRefill_m", Source::direct))
      << name;
}

INSTANTIATE_TEST_SUITE_P(Protocols, Sources,
                         testing::Range(0U, static_cast<unsigned>(subject().protocols().size())),
                         [](const auto& info) {
                           return std::string(subject().protocols()[info.param].name);
                         });

// ---- cells

TEST(Cells, PredictionHoldsForEverySite) {
  for (const Site& each : subject().sites()) {
    for (const char* handler : kSomeHandlers) {
      Bench bench("signalok_raw", each.name, handler);
      const CellResult result = bench.sweep();
      EXPECT_TRUE(result.predicted);
      EXPECT_EQ(result.boundaries, bench.count());
      EXPECT_EQ(result.trials, result.boundaries);
      EXPECT_EQ(result.requested, result.trials);
      EXPECT_EQ(result.landed, result.trials) << each.name << " " << handler;
      EXPECT_EQ(result.mismatches, 0U) << each.name << " " << handler << ": " << bench.reason;
    }
  }
}

TEST(Cells, SkipsWhatItIsTold) {
  Bench bench("signalok_saved", "scavenge_m", "scavenge_m");
  bench.request.skip = {Point{0, 0}.number(), Point{2, 0}.number()};
  std::vector<unsigned> ran;
  CellSweeper::Listener listener;
  listener.starting = [&](const Point& point) { ran.push_back(point.first); };
  listener.example = [](const Example&) {};
  EXPECT_EQ(bench.sweeper.run(bench.request, listener).trials, bench.count() - 2);
  ASSERT_GE(ran.size(), 3U);
  EXPECT_EQ(ran[0], 1U);
  EXPECT_EQ(ran[1], 3U);
  EXPECT_EQ(ran[2], 4U);
}

// A trial leaves the mask changed. A lazy trial does not ask the kernel, so it does not see that;
// the next landing shows it. Then the cell is run again, and each trial asks.
TEST(Cells, AMaskThatALazyTrialLeftIsFoundWhereItWasLeft) {
  Bench bench("signalok_saved", "scavenge_m", "none", Source::kill);
  bench.request.allowed = kOnlyOk;
  const Sabotage sabotage([](ucontext_t* uc) {
    if (reg(uc, REG_RIP) == static_cast<greg_t>(sabotaged_pc)) sigaddset(&uc->uc_sigmask, SIGURG);
  });
  sabotaged_pc = bench.boundary(3).pc;
  const CellResult result = bench.sweep();
  EXPECT_EQ(bench.agains, 1U);
  EXPECT_EQ(times(result, Verdict::state_leak), 1U);
  EXPECT_EQ(times(result, Verdict::ok), result.trials - 1);
  EXPECT_EQ(bench.sweep().landed, result.landed) << "and nothing of it is left";
}

// ---- nothing of a trial remains

std::string rest_state() {
  Region regions[16];
  std::string bytes;
  const unsigned count = subject().rest_regions(regions);
  for (unsigned i = 0; i < count; i++) {
    bytes.append(static_cast<const char*>(regions[i].at), regions[i].size);
  }
  return bytes;
}

TEST(Afresh, AfterEachKindOfEnd) {
  Bench good("signalok_saved", "largeAlloc_m", "setgcpercent_m");
  good.run(0);
  const std::string rest = rest_state();
  for (const char* name : {"legacy", "reject"}) {
    Bench bad(name, "largeAlloc_m", "setgcpercent_m");
    for (unsigned b = 0; b < bad.count(); b++) {
      EXPECT_NE(bad.run(b).verdict, Verdict::ok);
      EXPECT_EQ(good.run(b % good.count()).verdict, Verdict::ok)
          << "after " << bad.boundary(b).phase;
      ASSERT_EQ(rest_state(), rest) << "after " << bad.boundary(b).phase;
    }
  }
}

// Some of these trials write over their callers' frames: those must not be the harness's.
TEST(Afresh, AfterTrialsThatGoAstray) {
  Bench good("signalok_saved", "largeAlloc_m", "setgcpercent_m");
  Bench bad("remember", "gosched_m", "newproc_m_casgstatus");
  unsigned crashes = 0;
  for (unsigned b = 0; b < bad.count(); b++) {
    crashes += bad.run(b).verdict == Verdict::crash ? 1 : 0;
    EXPECT_EQ(good.run(b % good.count()).verdict, Verdict::ok) << "after " << bad.boundary(b).phase;
  }
  EXPECT_GT(crashes, 0U);
}

// Benches for all sites under all protocols, made when they are needed.
class AllBenches {
 public:
  Bench& of(unsigned protocol_index, unsigned site_index) {
    std::unique_ptr<Bench>& bench = benches_[{protocol_index, site_index}];
    if (!bench) {
      bench = std::make_unique<Bench>(subject().protocols()[protocol_index].name,
                                      subject().sites()[site_index].name);
    }
    return *bench;
  }

 private:
  std::map<std::pair<unsigned, unsigned>, std::unique_ptr<Bench>> benches_;
};

std::vector<unsigned> all_handlers() {
  std::vector<unsigned> handlers{kNoHandler};
  for (unsigned i = 0; i < subject().sites().size(); i++) {
    if (subject().sites()[i].handler) handlers.push_back(i);
  }
  return handlers;
}

std::vector<Verdict> random_trials(AllBenches* benches, unsigned trials) {
  const std::vector<unsigned> handlers = all_handlers();
  std::mt19937_64 random(kSeed);
  const auto below = [&](std::size_t n) { return static_cast<unsigned>(random() % n); };
  std::vector<Verdict> verdicts;
  for (unsigned i = 0; i < trials; i++) {
    const unsigned p = below(subject().protocols().size());
    const unsigned s = below(subject().sites().size());
    Bench& bench = benches->of(p, s);
    bench.request.handler = handlers[below(handlers.size())];
    engine().baseline(p, s, kSeed);
    const Judgement j = bench.run(below(bench.count()));
    EXPECT_EQ(bench.seen->landed, 1U);
    verdicts.push_back(j.verdict);
  }
  return verdicts;
}

TEST(Afresh, RandomTrialsRepeatExactly) {
  AllBenches benches;
  const std::vector<Verdict> first = random_trials(&benches, 20000);
  const std::vector<Verdict> second = random_trials(&benches, 20000);
  EXPECT_EQ(first, second);
  const std::set<Verdict> shown(first.begin(), first.end());
  EXPECT_GE(shown.size(), 6U);
}

TEST(Nonces, AreDistinctAndNeverZero) {
  for (unsigned bits : {32U, 64U}) {
    std::set<std::uint64_t> drawn;
    for (unsigned level : {0U, kHandlerLevel}) {
      std::uint64_t in[kMaxSlots];
      draw_nonces(kSeed, level, bits, in);
      drawn.insert(std::begin(in), std::end(in));
    }
    EXPECT_EQ(drawn.size(), 2 * kMaxSlots);
    EXPECT_FALSE(drawn.contains(0));
    EXPECT_EQ(bits == 32, *drawn.rbegin() <= 0xffffffffU);
    for (const std::uint64_t one : drawn) EXPECT_EQ(one, harmless_word(one)) << "may be an address";
  }
}

// ---- prediction, on a trace made by hand

constexpr SlotMask S0 = 1, S1 = 2, S2 = 4;

// caller: s0 = argument; s2 = argument. fn: reads both, zeroes s2, s1 = result. caller: reads s1.
//   0 write s0 | 1 write s2 | 2 (stub) | 3 read s0 | 4 read s2 | 5 zero s2 | 6 write s1 | 7 read s1
//   | 8
struct HandMade {
  HandMade() {
    static constexpr SlotMask kLive[] = {0, S0, S0 | S2, S0 | S2, S2, 0, 0, S1, 0};
    for (const SlotMask live : kLive) {
      Boundary b;
      b.live = live;
      b.live_argument = live & ~S1;
      trace.boundaries.push_back(b);
    }
    trace.accesses = {{0, 0, true}, {1, 2, true}, {3, 0, false}, {4, 2, false},
                      {5, 2, true}, {6, 1, true}, {7, 1, false}};
    site.in = S0 | S2;
    site.out = S1;
    site.zeroed = S2;
  }
  Prediction at(unsigned boundary, SlotMask written, SlotMask left_zero = 0) const {
    return predict(trace, boundary, site, written, left_zero);
  }

  Trace trace;
  Site site{};
};

TEST(Predict, AnArgumentIsSpoiledBetweenItsWriteAndFnsRead) {
  const HandMade made;
  EXPECT_EQ(made.at(0, S0), (Prediction{}));
  for (unsigned b : {1U, 2U, 3U}) EXPECT_EQ(made.at(b, S0), (Prediction{S0, 0, 0})) << b;
  for (unsigned b = 4; b < 9; b++) EXPECT_EQ(made.at(b, S0), (Prediction{})) << b;
}

TEST(Predict, AResultIsSpoiledBetweenItsWriteAndTheCallersRead) {
  const HandMade made;
  EXPECT_EQ(made.at(6, S1), (Prediction{}));
  EXPECT_EQ(made.at(7, S1), (Prediction{0, S1, 0}));
  EXPECT_EQ(made.at(8, S1), (Prediction{}));
}

TEST(Predict, OnlyTheSlotsThatTheHandlerWrites) {
  const HandMade made;
  EXPECT_EQ(made.at(2, 0), (Prediction{}));
  EXPECT_EQ(made.at(2, S1), (Prediction{}));
  EXPECT_EQ(made.at(2, S2), (Prediction{S2, 0, 0}));
  EXPECT_EQ(made.at(2, S0 | S1 | S2), (Prediction{S0 | S2, 0, 0}));
}

TEST(Predict, AZeroedSlotIsLeftOnceNothingZeroesItAnyMore) {
  const HandMade made;
  for (unsigned b = 0; b < 6; b++) EXPECT_EQ(made.at(b, S2).left, 0U) << b;
  for (unsigned b = 6; b < 9; b++) EXPECT_EQ(made.at(b, S2).left, S2) << b;
}

TEST(Predict, NotByAHandlerThatLeavesItZero) {
  const HandMade made;
  EXPECT_EQ(made.at(8, S2, S2), (Prediction{}));
}

TEST(Predict, NotOfASlotThatTheSiteDoesNotZero) {
  HandMade made;
  made.site.zeroed = 0;
  EXPECT_EQ(made.at(8, S0 | S1 | S2), (Prediction{}));
}

// build_trace's result for accesses. A slot is live from behind the write until the read, whether
// by caller or fn. A slot that was never written (here s2) is not live.
TEST(BuildTrace, LiveSlotsFollowTheAccesses) {
  Bench bench("reject", "mcacheRefill_m");
  const Trace& real = bench.sweeper.trace();
  std::vector<Step> steps;
  for (const Boundary& b : real.boundaries) steps.push_back(Step{b.pc, 0, "state"});
  const auto fn = static_cast<unsigned>(real.find("mcacheRefill_m", 0, 1));
  const auto last = static_cast<std::uint32_t>(steps.size() - 1);
  Trace built;
  const Access accesses[] = {
      {1, 0, true}, {fn + 1, 0, false}, {fn + 1, 1, true}, {last, 1, false}, {last, 2, false}};
  ASSERT_EQ(build_trace(subject(), steps, accesses, &built), "");
  for (unsigned i = 0; i < steps.size(); i++) {
    const SlotMask argument = i > 1 && i <= fn + 1 ? S0 : 0;
    const SlotMask result = i > fn + 1 ? S1 : 0;
    EXPECT_EQ(built.boundaries[i].live, argument | result) << i;
    EXPECT_EQ(built.boundaries[i].live_argument, argument) << i;
    EXPECT_EQ(built.boundaries[i].symbol, real.boundaries[i].symbol);
  }
}

}  // namespace
}  // namespace sigsweep
