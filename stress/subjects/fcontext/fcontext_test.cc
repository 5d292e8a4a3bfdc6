// Boost.Context's jump under signals: ok at every boundary, with the handler on either stack; and
// the harness's words if it were not.
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"
#include "stress/trap/sources.h"

namespace sigsweep {

void PrintTo(Verdict v, std::ostream* out);
void PrintTo(Verdict v, std::ostream* out) {
  *out << verdict_name(v);
}

namespace {

Engine& engine() {
  static volatile std::uint64_t serial = 0;
  static Engine the_engine(subject());
  static const std::string problem = the_engine.attach(&serial);
  EXPECT_EQ(problem, "");
  return the_engine;
}

struct Cell {
  Cell(std::string_view protocol, std::string_view site, std::string_view handler,
       Source source = Source::direct) {
    engine();
    request.protocol = static_cast<unsigned>(find_protocol(subject(), protocol));
    request.site = static_cast<unsigned>(find_site(subject(), site));
    request.handler =
        handler == "none" ? kNoHandler : static_cast<unsigned>(find_site(subject(), handler));
    request.source = source;
    request.signal = source == Source::itimer ? SIGALRM : SIGPROF;
    EXPECT_EQ(trap::prepare(source), "");
    EXPECT_EQ(sweeper.prepare(request.protocol, request.site, 81), "");
    EXPECT_EQ(sweeper.without_signal().verdict, Verdict::ok) << sweeper.without_signal().detail;
  }
  // Requires one verdict of every trial of the cell at the boundaries that `where` picks, and ok at
  // the others.
  void expect(Verdict verdict, bool (*where)(const Boundary&), std::string_view not_in = {}) {
    unsigned picked = 0;
    CellSweeper::Listener listener;
    listener.starting = [](const Point&) {};
    listener.again = [] {};
    listener.example = [](const Example&) {};
    listener.at = [&](const Point& at, const Judgement& judgement) {
      const Boundary& b = sweeper.trace().boundaries[at.first];
      if (b.symbol == not_in) return;
      picked += where(b) ? 1 : 0;
      EXPECT_EQ(judgement.verdict, where(b) ? verdict : Verdict::ok)
          << b.phase << ": " << judgement.detail;
    };
    const CellResult result = sweeper.run(request, listener);
    EXPECT_EQ(result.landed, result.trials);
    EXPECT_GT(picked, 0U);
  }

  CellRequest request;
  Traces traces{engine()};
  CellSweeper sweeper{traces};
};

bool anywhere(const Boundary&) {
  return true;
}

// While it lives, each handler ends with this act.
struct Sabotage {
  explicit Sabotage(void (*act)(ucontext_t*)) { engine().sabotage(act); }
  ~Sabotage() { engine().sabotage(nullptr); }
  Sabotage(const Sabotage&) = delete;
  Sabotage& operator=(const Sabotage&) = delete;
};

using Names = std::tuple<std::string_view, std::string_view, std::string_view, Source>;
class Fcontext : public testing::TestWithParam<Names> {};

TEST_P(Fcontext, IsOkAtEveryBoundary) {
  const auto& [protocol, site, handler, source] = GetParam();
  Cell cell(protocol, site, handler, source);
  cell.expect(Verdict::ok, anywhere);
  std::set<std::string> states;
  for (const Boundary& b : cell.sweeper.trace().boundaries) {
    const std::string& head = b.phase.head();
    const std::size_t at = head.find("/sp=");
    states.insert(head.substr(at + 1, head.find('/', at + 1) - at - 1));
  }
  EXPECT_EQ(states, (std::set<std::string>{"sp=caller", "sp=other"}));
}

INSTANTIATE_TEST_SUITE_P(
    Cells, Fcontext,
    testing::Combine(testing::Values("altstack", "ownstack"),
                     testing::Values("round_trip", "first_entry", "last_exit"),
                     testing::Values("none", "round_trip", "first_entry", "last_exit"),
                     testing::Values(Source::direct, Source::kill, Source::itimer)));

TEST(Code, RunsThroughTheLibrarysOwnCode) {
  std::set<std::string> symbols;
  for (const char* site : {"round_trip", "first_entry", "last_exit"}) {
    Cell cell("altstack", site, "none");
    for (const Boundary& b : cell.sweeper.trace().boundaries) symbols.insert(b.symbol);
  }
  for (const char* symbol : {"jump_fcontext", "make_fcontext", "ontop_fcontext", "release_other"}) {
    EXPECT_TRUE(symbols.contains(symbol)) << symbol;
  }
}

// ---- where handlers run

unsigned at_home, away;
void count_own_stack(ucontext_t* uc) {
  const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
  const auto there = static_cast<std::uint64_t>(uc->uc_mcontext.gregs[REG_RSP]);
  (subject().stack_of(here) == subject().stack_of(there) ? at_home : away)++;
}

TEST(Handler, RunsOnTheInterruptedStackOrOnTheAlternateOne) {
  for (const Source source : {Source::direct, Source::kill}) {
    for (const char* protocol : {"altstack", "ownstack"}) {
      Cell cell(protocol, "round_trip", "none", source);
      const Sabotage count(count_own_stack);
      at_home = away = 0;
      cell.expect(Verdict::ok, anywhere);
      EXPECT_EQ(at_home == 0, std::string_view(protocol) == "altstack");
      EXPECT_EQ(away == 0, std::string_view(protocol) == "ownstack");
    }
  }
}

// ---- the checks can fail

// Between the store of r15 and the load of the other context's r15, nothing needs that register.
// The other context itself is not needed between the time it is found and the time it is loaded
// anew.
TEST(Checks, ARegisterOfEitherContext) {
  Cell cell("altstack", "round_trip", "none");
  const Sabotage flip([](ucontext_t* uc) { uc->uc_mcontext.gregs[REG_R15] ^= 1; });
  const auto needed = [](const Boundary& b) {
    constexpr std::uint64_t kStore = 0x1c, kLoad = 0x4d;  // in jump_fcontext
    return b.symbol != "jump_fcontext" || b.offset <= kStore || b.offset > kLoad;
  };
  cell.expect(Verdict::state_leak, needed, "round_trip_other");
}

TEST(Checks, TheStackThatWaits) {
  Cell cell("altstack", "round_trip", "none");
  const Sabotage smash([](ucontext_t* uc) {
    Region live[8];
    const auto sp = static_cast<std::uint64_t>(uc->uc_mcontext.gregs[REG_RSP]);
    const unsigned count = subject().live_regions(sp, live);
    for (unsigned i = 0; i < count; i++) {
      const auto at = reinterpret_cast<std::uint64_t>(live[i].at);
      if (subject().stack_of(at) == subject().stack_of(sp)) continue;
      // A byte that no code reads.
      const_cast<char*>(static_cast<const char*>(live[i].at))[live[i].size - 8] ^= 1;
    }
  });
  cell.expect(Verdict::stack_smash, anywhere);
}

TEST(Checks, TheControlWords) {
  Cell cell("ownstack", "round_trip", "none");
  const Sabotage flip([](ucontext_t* uc) { uc->uc_mcontext.fpregs->mxcsr ^= 0x6000; });
  CellSweeper::Listener listener;
  listener.starting = [](const Point&) {};
  listener.again = [] {};
  listener.example = [](const Example&) {};
  EXPECT_GT(
      cell.sweeper.run(cell.request, listener).verdicts[static_cast<unsigned>(Verdict::state_leak)],
      0U);
}

// ---- a subject without slots

TEST(NoSlots, TakesNoArguments) {
  const Catalog catalog = catalog_of(subject());
  EXPECT_TRUE(catalog.slots.empty());
  const auto parsed =
      parse_schedule("sigsweep schedule 1\nisa amd64\nprotocol altstack\nop round_trip s0=1\n",
                     "x.sched", catalog);
  ASSERT_TRUE(std::holds_alternative<ParseError>(parsed));
  EXPECT_EQ(std::get<ParseError>(parsed).to_string(),
            "x.sched:4:15: site round_trip takes no arguments; \"s0\" must go");
}

}  // namespace
}  // namespace sigsweep
