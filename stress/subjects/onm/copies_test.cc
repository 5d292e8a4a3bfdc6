// Trials of a fragile subject: they run in copies of the process, and nothing of a trial that went
// wrong reaches a later one. The acts of a sabotage play the library whose state is spoiled.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <new>

#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"
#include "stress/trap/sources.h"

namespace sigsweep {

void PrintTo(Verdict v, std::ostream* out);
void PrintTo(Verdict v, std::ostream* out) {
  *out << verdict_name(v);
}

namespace {

constexpr std::uint64_t kSeed = 81;

// In memory that copies share, like the host's page.
struct Page {
  volatile std::uint64_t serial, shown;
  volatile std::uint64_t trials;        // handlers that an act has seen, in all copies
  volatile std::uint64_t pid_of_trial;  // the process that the last of them ran in
};
Page& page() {
  static void* const memory =
      mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return *static_cast<Page*>(memory);
}

Engine& engine() {
  static Engine the_engine(subject());
  static const std::string problem = the_engine.attach(&page().serial);
  EXPECT_EQ(problem, "");
  the_engine.show(&page().shown);
  return the_engine;
}

unsigned site(std::string_view name) {
  return name == "none" ? kNoHandler : static_cast<unsigned>(find_site(subject(), name));
}

// A cell of the largest site, ready for trials.
struct Cell {
  explicit Cell(std::string_view protocol, std::string_view handler = "none",
                Source source = Source::direct) {
    engine();
    request.protocol = static_cast<unsigned>(find_protocol(subject(), protocol));
    request.site = site("largeAlloc_m");
    request.handler = site(handler);
    request.source = source;
    request.signal = source == Source::itimer ? SIGALRM : SIGUSR2;
    request.seed = kSeed;
    request.allowed = kOnlyOk;
    EXPECT_EQ(trap::prepare(source), "");
    EXPECT_EQ(sweeper.prepare(request.protocol, request.site, kSeed), "");
    EXPECT_EQ(sweeper.without_signal().verdict, Verdict::ok) << sweeper.without_signal().detail;
  }
  unsigned count() const { return static_cast<unsigned>(sweeper.trace().boundaries.size()); }
  const Boundary& boundary(unsigned i) const { return sweeper.trace().boundaries[i]; }
  Plan plan(unsigned at) const { return sweeper.plan_for(request, Point{at, 0}, kSeed + at); }
  CellResult sweep() {
    verdicts.clear();
    CellSweeper::Listener listener;
    listener.starting = [](const Point&) {};
    listener.example = [this](const Example& e) { examples.push_back(e); };
    listener.again = [this] {
      agains++;
      verdicts.clear();
    };
    listener.at = [this](const Point& at, const Judgement& j) { verdicts[at.first] = j; };
    return sweeper.run(request, listener);
  }

  CellRequest request;
  Traces traces{engine()};
  CellSweeper sweeper{traces};
  std::map<unsigned, Judgement> verdicts;
  std::vector<Example> examples;
  unsigned agains = 0;
};

std::uint64_t times(const CellResult& result, Verdict v) {
  return result.verdicts[static_cast<unsigned>(v)];
}

// While it lives, each handler ends with this act.
struct Sabotage {
  explicit Sabotage(void (*act)(ucontext_t*)) {
    page().trials = 0;
    engine().sabotage(act);
  }
  ~Sabotage() { engine().sabotage(nullptr); }
  Sabotage(const Sabotage&) = delete;
  Sabotage& operator=(const Sabotage&) = delete;
};

std::uint64_t bad_pc;  // where an act goes wrong
bool is_spoiled;       // the library's state: nothing puts it back
bool is_here(const ucontext_t* uc) {
  return static_cast<std::uint64_t>(uc->uc_mcontext.gregs[REG_RIP]) == bad_pc;
}
void lose_a_register(ucontext_t* uc) {
  uc->uc_mcontext.gregs[REG_R15] ^= 1;
}

void count_processes(ucontext_t*) {
  page().trials = page().trials + 1;
  page().pid_of_trial = static_cast<std::uint64_t>(getpid());
}

// ---- where trials run

TEST(Copies, OneRunsAllTrialsThatGoRight) {
  Cell cell("signalok_saved", "setFinalizer_m");
  const Sabotage count(count_processes);
  EXPECT_EQ(cell.sweep().copies, 0U);
  const std::uint64_t first = page().pid_of_trial;
  EXPECT_NE(first, static_cast<std::uint64_t>(getpid()));
  EXPECT_EQ(cell.sweep().copies, 0U);
  EXPECT_EQ(engine().run(cell.plan(0)).judgement.verdict, Verdict::ok);
  EXPECT_EQ(page().pid_of_trial, first);
  EXPECT_EQ(page().trials, 2 * cell.count() + 1);
  EXPECT_EQ(page().serial, 0U);
}

TEST(Copies, AHandlerMayWantOneForEachTrial) {
  Cell cell("signalok_saved", "scavenge_m");
  const Sabotage count(count_processes);
  const CellResult result = cell.sweep();
  EXPECT_EQ(times(result, Verdict::ok), result.trials);
  EXPECT_EQ(result.copies, cell.count());
  const std::uint64_t before = page().pid_of_trial;
  EXPECT_EQ(engine().run(cell.plan(0)).judgement.verdict, Verdict::ok);
  EXPECT_NE(page().pid_of_trial, before);
}

// ---- nothing of a wrong trial stays

class Spoiled : public testing::TestWithParam<Contain> {};

TEST_P(Spoiled, StateNeverReachesALaterTrial) {
  Cell cell("signalok_saved", "setFinalizer_m");
  cell.request.contain = GetParam();
  // The last one: behind it no code puts a lost register back, whatever the compiler has made.
  const auto kBad = static_cast<unsigned>(cell.count() - 1);
  bad_pc = cell.boundary(kBad).pc;
  is_spoiled = false;
  const Sabotage spoil([](ucontext_t* uc) {
    is_spoiled = is_spoiled || is_here(uc);
    if (is_spoiled) lose_a_register(uc);
  });
  const CellResult result = cell.sweep();
  ASSERT_EQ(cell.verdicts.size(), cell.count());
  std::uint64_t bad = 0;
  for (const auto& [at, judgement] : cell.verdicts) {
    const bool here = cell.boundary(at).pc == bad_pc;
    bad += here ? 1 : 0;
    EXPECT_EQ(judgement.verdict, here ? Verdict::state_leak : Verdict::ok) << at;
  }
  EXPECT_GT(bad, 0U);
  EXPECT_EQ(result.copies, GetParam() == Contain::place ? bad : 0);
  // Outside a sweep, too.
  EXPECT_EQ(engine().run(cell.plan(kBad), GetParam()).judgement.verdict, Verdict::state_leak);
  EXPECT_EQ(engine().run(cell.plan(0), GetParam()).judgement.verdict, Verdict::ok);
  EXPECT_EQ(engine().baseline(cell.request.protocol, cell.request.site, kSeed).verdict,
            Verdict::ok);
}

INSTANTIATE_TEST_SUITE_P(, Spoiled, testing::Values(Contain::place, Contain::fork),
                         [](const auto& info) {
                           return std::string(kContainNames[static_cast<unsigned>(info.param)]);
                         });

// ---- deaths

struct Death {
  const char* name;
  void (*die)();
  Verdict verdict;
  const char* detail;
};
class Dying : public testing::TestWithParam<Death> {};
void (*way_to_die)();

[[noreturn]] void loop_with_all_masked() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  for (;;) asm volatile("");
}

TEST_P(Dying, IsBookedOnItsTrial) {
  Cell cell("signalok_saved", "setFinalizer_m");
  constexpr unsigned kBad = 7;
  bad_pc = cell.boundary(kBad).pc;
  way_to_die = GetParam().die;
  const Sabotage kills([](ucontext_t* uc) {
    if (is_here(uc)) way_to_die();
  });
  const CellResult result = cell.sweep();
  EXPECT_EQ(result.trials, cell.count());
  EXPECT_EQ(result.landed, result.requested);
  for (const auto& [at, judgement] : cell.verdicts) {
    const bool here = cell.boundary(at).pc == bad_pc;
    EXPECT_EQ(judgement.verdict, here ? GetParam().verdict : Verdict::ok) << at;
    if (here) {
      EXPECT_STREQ(judgement.detail, GetParam().detail);
    }
  }
  EXPECT_EQ(result.copies, times(result, GetParam().verdict));
  ASSERT_FALSE(cell.examples.empty());
  EXPECT_EQ(cell.boundary(cell.examples[0].point.first).pc, bad_pc);
  EXPECT_EQ(page().serial, 0U);
  EXPECT_EQ(page().shown, (Point{cell.count() - 1, 0}.number()));
}

INSTANTIATE_TEST_SUITE_P(
    , Dying,
    testing::Values(
        Death{"abort", [] { std::abort(); }, Verdict::crash, "the process died of a signal"},
        Death{"exit", [] { std::exit(0); }, Verdict::crash, "the process ended"},
        Death{"_exit", [] { _exit(0); }, Verdict::crash, "the process ended"},
        Death{"_exit99", [] { _exit(kCameBack); }, Verdict::crash, "the process ended"},
        Death{"SIGKILL", [] { raise(SIGKILL); }, Verdict::crash, "the process died of a signal"},
        Death{"stuck", loop_with_all_masked, Verdict::hang, "no end within the time limit"}),
    [](const auto& info) { return std::string(info.param.name); });

// A trial goes right and leaves a process in which no breakpoint works. The next trial dies of that,
// before its signal lands: it is told that the fault is another's.
TEST(Copies, ADeathBeforeTheSignalIsNotBookedOnThatTrialAlone) {
  Cell cell("signalok_saved", "setFinalizer_m");
  bad_pc = cell.boundary(7).pc;
  const Sabotage leaves_a_trap([](ucontext_t* uc) {
    if (is_here(uc)) signal(SIGTRAP, SIG_DFL);
  });
  const CellResult result = cell.sweep();
  EXPECT_EQ(result.trials, cell.count());
  EXPECT_EQ(result.landed, result.requested);
  unsigned booked = 0;
  for (const auto& [at, judgement] : cell.verdicts) {
    const bool behind = at > 0 && cell.boundary(at - 1).pc == bad_pc;
    EXPECT_EQ(judgement.verdict, behind ? Verdict::crash : Verdict::ok) << at;
    if (!behind) continue;
    booked++;
    EXPECT_NE(std::string_view(judgement.detail).find("alone this trial goes right"),
              std::string_view::npos)
        << judgement.detail;
    EXPECT_EQ(engine().run(cell.plan(at)).judgement.verdict, Verdict::ok);
  }
  EXPECT_GT(booked, 0U);
}

// A contained fault, and a loop that the watchdog of the copy ends.
TEST(Copies, ContainFaultsAndLoops) {
  Cell cell("signalok_saved", "setFinalizer_m");
  bad_pc = cell.boundary(3).pc;
  const Sabotage faults([](ucontext_t* uc) {
    if (is_here(uc)) *reinterpret_cast<volatile int*>(8) = 0;
  });
  const TrialResult faulted = engine().run(cell.plan(3));
  EXPECT_EQ(faulted.judgement.verdict, Verdict::crash);
  EXPECT_EQ(faulted.seen.fault_address, 8U);
  EXPECT_EQ(static_cast<std::uint64_t>(faulted.landed_at.uc_mcontext.gregs[REG_RIP]), bad_pc);
  engine().sabotage([](ucontext_t* uc) {
    while (is_here(uc)) asm volatile("");
  });
  EXPECT_EQ(engine().run(cell.plan(3)).judgement.verdict, Verdict::hang);
  EXPECT_EQ(engine().run(cell.plan(4)).judgement.verdict, Verdict::ok);
}

// A mask that a trial leaves behind shows only to the next one: the cell is run again.
TEST(Copies, SeeAMaskThatATrialLeaves) {
  Cell cell("signalok_saved", "setFinalizer_m");
  bad_pc = cell.boundary(3).pc;
  const Sabotage masks([](ucontext_t* uc) {
    if (is_here(uc)) sigaddset(&uc->uc_sigmask, SIGURG);
  });
  const CellResult result = cell.sweep();
  EXPECT_EQ(cell.agains, 1U);
  for (const auto& [at, judgement] : cell.verdicts) {
    EXPECT_EQ(judgement.verdict, cell.boundary(at).pc == bad_pc ? Verdict::state_leak : Verdict::ok)
        << at;
  }
  EXPECT_EQ(result.copies, times(result, Verdict::state_leak));
}

// ---- blame: of a pair, the signal that went wrong

TEST(Copies, BlameTheSignalThatWentWrong) {
  Cell cell("signalok_saved", "setFinalizer_m");
  Plan plan = cell.plan(2);
  plan.injections = 2;
  plan.injection[1] = cell.plan(9).injection[0];
  bad_pc = cell.boundary(2).pc;
  const Sabotage flips([](ucontext_t* uc) {
    if (is_here(uc)) lose_a_register(uc);
  });
  const TrialResult ran = engine().run(plan);
  EXPECT_EQ(ran.judgement.verdict, Verdict::state_leak);
  EXPECT_EQ(blamed_injection(engine(), plan, ran.judgement, ran.seen), 0U);
}

}  // namespace
}  // namespace sigsweep
