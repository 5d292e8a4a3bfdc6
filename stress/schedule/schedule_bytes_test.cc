// Tests of the byte form: lossless for every schedule that the text form can hold, total for every
// byte string, short for short ones.
#include "stress/schedule/schedule_bytes.h"

#include <gtest/gtest.h>

#include <random>

namespace sigsweep {
namespace {

Catalog catalog(unsigned word_bits = 64) {
  Catalog catalog;
  catalog.isa = "amd64";
  catalog.isas.assign(std::begin(kIsas), std::end(kIsas));
  catalog.protocols = {"legacy", "reject", "signalok_raw"};
  catalog.verdicts = {"ok", "crash", "rejected", "arg-clobbered"};
  catalog.slots = {"s0", "s1", "p0"};
  catalog.sites = {{"largeAlloc_m", {"s0", "s1"}}, {"gc_m", {"p0"}}, {"scavenge_m", {}}};
  catalog.handlers = {{"none", {}}, {"mcacheRefill_m", {"s0"}}, {"both", {"s0", "s1"}}};
  catalog.word_bits = word_bits;
  return catalog;
}

constexpr const char* kTexts[] = {
    "sigsweep schedule 1\nisa amd64\nprotocol reject\nop scavenge_m\n",
    "sigsweep schedule 1\nisa arm\nprotocol signalok_raw\nseed 0xffffffffffffffff\n"
    "op largeAlloc_m s1=0xffffffffffffffff s0=0\n"
    "inject SIGPROF at onM+0x2f nth=4294967295 phase=stub/g=g0/live=s0+s1#3 by=kill handler=both "
    "s1=1\n"
    "inject SIGALRM at sigtramp+0 in=1 by=itimer handler=none\n"
    "inject SIGURG at _ZN1a1bEv+18446744073709551615 in=2 handler=none\n"
    "op gc_m\nop gc_m p0=7\ninject SIGUSR2 at x+1 by=external handler=mcacheRefill_m\n"
    "expect arg-clobbered s0\norigin build=9 command=\"a #b\"\n",
    "sigsweep schedule 1\nisa 386\nprotocol legacy\nop gc_m\nexpect crash\n",
    "sigsweep schedule 1\nisa 386\nprotocol legacy\nop gc_m\ninject SIGURG at a#+1 handler=none\n",
};

TEST(ByteForm, LosesNothing) {
  for (const char* text : kTexts) {
    const auto parsed = parse_schedule(text, "t", catalog());
    ASSERT_TRUE(std::holds_alternative<Schedule>(parsed))
        << std::get<ParseError>(parsed).to_string();
    const Schedule& schedule = std::get<Schedule>(parsed);
    EXPECT_EQ(from_bytes(to_bytes(schedule, catalog()), catalog()), schedule) << text;
  }
}

TEST(ByteForm, EveryByteStringIsAValidScheduleThatGoesThereAndBack) {
  std::mt19937 random(7);
  for (unsigned i = 0; i < 20000; i++) {
    const Catalog names = catalog(i % 2 == 0 ? 64 : 32);
    std::vector<std::uint8_t> bytes(random() % 80);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % (i % 3 == 0 ? 4 : 256));
    const Schedule schedule = from_bytes(bytes, names);
    const auto parsed = parse_schedule(print_schedule(schedule), "t", names);
    ASSERT_TRUE(std::holds_alternative<Schedule>(parsed)) << print_schedule(schedule);
    EXPECT_EQ(std::get<Schedule>(parsed), schedule);
    EXPECT_EQ(from_bytes(to_bytes(schedule, names), names), schedule) << print_schedule(schedule);
  }
}

TEST(ByteForm, NoBytesAreTheSmallestSchedule) {
  const Schedule schedule = from_bytes({}, catalog());
  ASSERT_EQ(schedule.operations.size(), 1U);
  EXPECT_TRUE(schedule.operations[0].injections.empty());
  EXPECT_TRUE(schedule.operations[0].args.empty());
  EXPECT_FALSE(schedule.expect.has_value());
}

TEST(ByteForm, AListEndsWhereItsBytesEnd) {
  const Schedule whole = std::get<Schedule>(parse_schedule(kTexts[1], "t", catalog()));
  const std::vector<std::uint8_t> bytes = to_bytes(whole, catalog());
  for (std::size_t size = 0; size <= bytes.size(); size++) {
    const Schedule cut = from_bytes({bytes.data(), size}, catalog());
    EXPECT_LE(cut.operations.size(), whole.operations.size()) << size;
  }
}

// A byte of a record changes nothing beyond that record. The first byte is left out: it is the
// kind.
TEST(ByteForm, NeighbouringBytesAreNeighbouringSchedules) {
  std::mt19937 random(11);
  for (unsigned i = 0; i < 5000; i++) {
    std::vector<std::uint8_t> bytes(10 * (1 + random() % 8));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const Schedule before = from_bytes(bytes, catalog());
    const std::size_t at = random() % bytes.size();
    if (at % 10 == 0) continue;
    bytes[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
    const Schedule after = from_bytes(bytes, catalog());
    ASSERT_EQ(before.operations.size(), after.operations.size());
    unsigned other_operations = 0, other_injections = 0;
    for (std::size_t k = 0; k < before.operations.size(); k++) {
      const auto& one = before.operations[k].injections;
      const auto& two = after.operations[k].injections;
      other_operations += before.operations[k] == after.operations[k] ? 0 : 1;
      ASSERT_EQ(one.size(), two.size());
      for (std::size_t n = 0; n < one.size(); n++) other_injections += one[n] == two[n] ? 0 : 1;
    }
    EXPECT_LE(other_operations, 1U);
    EXPECT_LE(other_injections, 1U);
  }
}

// Two phases: the first has one boundary, the second two.
class TwoPhases final : public Grounds {
 public:
  std::optional<Place> place(std::string_view, std::string_view site, bool as_handler,
                             Number number) const override {
    if (site == "gc_m") return std::nullopt;
    const bool second = number.phase % 2 == 1;
    const unsigned n = second ? number.nth % 2 : 0;
    return Place{{as_handler ? "sigtramp" : "onM", second ? 8 + n : 0, 1},
                 Phase(second ? "fn/g=g0/live=-" : "stub/g=g0/live=-", n + 1)};
  }
  std::optional<Number> number(std::string_view protocol, std::string_view site, bool as_handler,
                               const Place& wanted) const override {
    for (const Number n : {Number{0, 0}, Number{1, 0}, Number{1, 1}}) {
      if (place(protocol, site, as_handler, n) == wanted) return n;
    }
    return std::nullopt;
  }
};

TEST(ByteForm, ABoundaryIsANumberWhereTheGroundIsKnown) {
  const TwoPhases grounds;
  std::vector<std::uint8_t> bytes(20);
  bytes[10] = 2;  // an injection
  bytes[15] = 3;  // phase 3, modulo 2
  bytes[17] = 5;  // boundary 5, modulo 2
  const Schedule schedule = from_bytes(bytes, catalog(), &grounds);
  ASSERT_EQ(schedule.operations[0].injections.size(), 1U);
  EXPECT_EQ(schedule.operations[0].injections[0].at, (BoundaryName{"onM", 9, 1}));
  EXPECT_EQ(schedule.operations[0].injections[0].phase, Phase("fn/g=g0/live=-", 2));
  const auto again = to_bytes(schedule, catalog(), &grounds);
  EXPECT_EQ(again.size(), 20U);
  EXPECT_EQ(from_bytes(again, catalog(), &grounds), schedule);
  // Boundaries that the grounds do not know go by name.
  for (const char* text : kTexts) {
    const Schedule named = std::get<Schedule>(parse_schedule(text, "t", catalog()));
    EXPECT_EQ(from_bytes(to_bytes(named, catalog(), &grounds), catalog(), &grounds), named);
  }
}

TEST(ByteForm, NoListIsLongerThanTheTextFormAllows) {
  const std::vector<std::uint8_t> ones(100000, 1);
  const Schedule schedule = from_bytes(ones, catalog());
  EXPECT_LE(schedule.operations.size(), kMaxScheduleOperations);
  for (const Operation& op : schedule.operations) {
    EXPECT_LE(op.injections.size(), kMaxScheduleInjections);
  }
}

}  // namespace
}  // namespace sigsweep
