// The same subject over a switch of our own (planted_amd64.S). Without a defect it is right; each
// planted defect is found at its instructions, and at no others. Compiled once, linked once for
// each defect; ctest shows the defect before a test's name.
#include <gtest/gtest.h>
#include <signal.h>

#include <map>

#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"
#include "stress/trap/sources.h"

extern "C" {
extern const char planted_begin[] __attribute__((visibility("hidden")));
extern const char planted_end[] __attribute__((visibility("hidden")));
extern const char jump_fcontext[];
extern std::int64_t planted_below;
}
extern const char* const planted_defect;

namespace sigsweep {

void PrintTo(Verdict v, std::ostream* out);
void PrintTo(Verdict v, std::ostream* out) {
  *out << verdict_name(v);
}

namespace {

enum class Planted {
  NOTHING,
  DROPPED_R12,
  DROPPED_MXCSR,
  ADRIFT,
  BELOW,
  TARGET_BELOW,
  UNMOVED,
  STATIC
};

// The defect of this program.
Planted planted() {
  static const std::map<std::string_view, Planted> kByName = {
      {"NOTHING", Planted::NOTHING},
      {"DROPPED_R12", Planted::DROPPED_R12},
      {"DROPPED_MXCSR", Planted::DROPPED_MXCSR},
      {"ADRIFT", Planted::ADRIFT},
      {"BELOW", Planted::BELOW},
      {"TARGET_BELOW", Planted::TARGET_BELOW},
      {"UNMOVED", Planted::UNMOVED},
      {"STATIC", Planted::STATIC},
  };
  return kByName.at(planted_defect);
}

// The register that a defect loses without any signal.
std::string_view lost_without_signal() {
  return planted() == Planted::DROPPED_R12     ? "r12"
         : planted() == Planted::DROPPED_MXCSR ? "MXCSR"
                                               : "";
}

bool needs_a_signal() {
  return planted() != Planted::NOTHING && lost_without_signal().empty();
}

// The effect of a signal on a trial if it lands in the defect. Below the red zone everything is
// destroyed, whichever stack the handler runs on. Within it nothing is, unless the red zone is off.
Verdict verdict_within(std::string_view protocol, bool handler_calls, bool red_zone) {
  switch (planted()) {
    case Planted::ADRIFT:
      return protocol == "ownstack" ? Verdict::crash : Verdict::wrong_switch;
    case Planted::BELOW:
    case Planted::TARGET_BELOW:
      return Verdict::state_leak;
    case Planted::UNMOVED:
      return red_zone ? Verdict::ok : Verdict::state_leak;
    case Planted::STATIC:
      return handler_calls ? Verdict::state_leak : Verdict::ok;
    default:
      return Verdict::ok;
  }
}

Engine& engine() {
  static volatile std::uint64_t serial = 0;
  static Engine the_engine(subject());
  static const std::string problem = the_engine.attach(&serial);
  EXPECT_EQ(problem, "");
  return the_engine;
}

bool is_within(const Boundary& b) {
  return b.pc >= reinterpret_cast<std::uint64_t>(planted_begin) &&
         b.pc < reinterpret_cast<std::uint64_t>(planted_end);
}

// The places of the word, in bytes below SP: at the red zone's end, in the gaps of the kernel's
// frame (for alignment, and in the processor's state: AVX, AVX-512), and beyond any frame.
std::vector<std::int64_t> distances() {
  if (planted() != Planted::BELOW && planted() != Planted::TARGET_BELOW) return {136};
  std::vector<std::int64_t> all;
  for (std::int64_t at = 136; at <= 4096; at += 88)
    all.push_back(at);  // through the frame and the bytes below it
  for (const std::int64_t at : {144, 192, 256, 2048, 2560, 3000, 8192, 12000, 16000, 16384})
    all.push_back(at);
  return all;
}

using Cell = std::tuple<std::string_view, std::string_view, Source>;
class PlantedSweep : public testing::TestWithParam<Cell> {
 protected:
  static void find_it(std::int64_t distance, bool red_zone);
};

void PlantedSweep::find_it(std::int64_t distance, bool red_zone) {
  SCOPED_TRACE(std::to_string(distance) + " bytes below SP" + (red_zone ? "" : ", no red zone"));
  const std::string_view protocol = std::get<0>(GetParam()), handler = std::get<1>(GetParam());
  const Source source = std::get<2>(GetParam());
  planted_below = -distance;
  engine().red_zone(red_zone);
  CellRequest request;
  request.protocol = static_cast<unsigned>(find_protocol(subject(), protocol));
  request.site = static_cast<unsigned>(find_site(subject(), "round_trip"));
  request.handler =
      handler == "none" ? kNoHandler : static_cast<unsigned>(find_site(subject(), handler));
  request.source = source;
  request.signal = SIGUSR2;
  Traces traces{engine()};
  CellSweeper sweeper{traces};
  ASSERT_EQ(sweeper.prepare(request.protocol, request.site, 81), "");
  const Verdict elsewhere = lost_without_signal().empty() ? Verdict::ok : Verdict::state_leak;
  unsigned within = 0;
  CellSweeper::Listener listener;
  listener.starting = [](const Point&) {};
  listener.again = [] {};
  listener.example = [](const Example&) {};
  listener.at = [&](const Point& at, const Judgement& judgement) {
    const Boundary& b = sweeper.trace().boundaries[at.first];
    within += is_within(b) ? 1 : 0;
    EXPECT_EQ(judgement.verdict,
              is_within(b) ? verdict_within(protocol, handler != "none", red_zone) : elsewhere)
        << b.symbol << "+" << b.offset << " nth=" << b.nth << ": " << judgement.detail;
  };
  const CellResult result = sweeper.run(request, listener);
  EXPECT_EQ(result.landed, result.trials);
  EXPECT_EQ(within > 0, needs_a_signal());
  engine().red_zone(true);
}

TEST_P(PlantedSweep, FindsItWhereItIs) {
  engine();
  ASSERT_EQ(trap::prepare(std::get<2>(GetParam())), "");
  for (const std::int64_t distance : distances()) {
    for (const bool red_zone : {true, false}) find_it(distance, red_zone);
  }
}

INSTANTIATE_TEST_SUITE_P(, PlantedSweep,
                         testing::Combine(testing::Values("altstack", "ownstack"),
                                          testing::Values("none", "round_trip"),
                                          testing::Values(Source::direct, Source::kill)));

// A register that is not restored is lost even without a signal. The trace says which instruction
// came back without it.
TEST(Planted, WithoutASignal) {
  engine();
  Traces traces{engine()};
  CellSweeper sweeper{traces};
  ASSERT_EQ(sweeper.prepare(0, static_cast<unsigned>(find_site(subject(), "round_trip")), 81), "");
  if (lost_without_signal().empty()) {
    EXPECT_EQ(sweeper.without_signal().verdict, Verdict::ok);
    EXPECT_EQ(sweeper.lost(), "");
    return;
  }
  EXPECT_EQ(sweeper.without_signal().verdict, Verdict::state_leak);
  EXPECT_EQ(sweeper.without_signal().detail, lost_without_signal());
  char expected[64];
  std::snprintf(expected, sizeof expected, "jump_fcontext+0x%llx comes back to round_trip_call+",
                static_cast<unsigned long long>(planted_begin - jump_fcontext));
  EXPECT_TRUE(sweeper.lost().starts_with(expected)) << sweeper.lost();
}

}  // namespace
}  // namespace sigsweep
