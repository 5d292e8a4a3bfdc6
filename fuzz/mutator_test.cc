// The mutator makes valid byte forms near to its input, and reaches every kind of change.
#include "fuzz/mutator.h"

#include <gtest/gtest.h>

#include <set>

#include "stress/schedule/schedule_bytes.h"

namespace sigsweep::fuzz {
namespace {

constexpr std::size_t kRoom = 1000;

unsigned count(const Bytes& bytes, ByteRecord::Kind kind) {
  unsigned n = kind == ByteRecord::Kind::operation ? 1 : 0;
  for (std::size_t i = 1; i < record_count(bytes); i++) {
    n += ByteRecord::read(bytes, i).kind() == kind ? 1 : 0;
  }
  return n;
}

TEST(Mutator, TheSameSeedTheSameSchedule) {
  const Bytes input = mutate({}, kRoom, 1);
  for (std::uint64_t seed = 0; seed < 100; seed++) {
    EXPECT_EQ(mutate(input, kRoom, seed), mutate(input, kRoom, seed));
    EXPECT_EQ(cross(input, mutate({}, kRoom, 7), kRoom, seed),
              cross(input, mutate({}, kRoom, 7), kRoom, seed));
  }
}

TEST(Mutator, LandsASignalFromNothing) {
  for (std::uint64_t seed = 0; seed < 100; seed++) {
    EXPECT_GE(count(mutate({}, kRoom, seed), ByteRecord::Kind::injection), 1U);
  }
}

TEST(Mutator, DrawsOneInFourAfresh) {
  Bytes input = mutate({}, kRoom, 1);
  unsigned afresh = 0;
  for (std::uint64_t seed = 0; seed < 1000; seed++) {
    const Bytes near = mutate(input, kRoom, seed);
    // Near ones keep the schedule's seed, except those that change just that.
    afresh += ByteRecord::read(near, 0).value() != ByteRecord::read(input, 0).value() ? 1 : 0;
  }
  EXPECT_GT(afresh, 200U);
  EXPECT_LT(afresh, 350U);
}

TEST(Mutator, GrowsAndShrinksEveryList) {
  Bytes input;
  std::set<unsigned> operations, injections, arguments;
  for (std::uint64_t seed = 0; seed < 3000; seed++) {
    input = mutate(input, kRoom, seed);
    EXPECT_LE(input.size(), kRoom);
    EXPECT_EQ(input.size() % kRecordBytes, 0U);
    operations.insert(count(input, ByteRecord::Kind::operation));
    injections.insert(count(input, ByteRecord::Kind::injection));
    arguments.insert(count(input, ByteRecord::Kind::argument));
  }
  EXPECT_TRUE(operations.contains(1) && operations.contains(5));
  EXPECT_TRUE(injections.contains(1) && injections.contains(8));
  EXPECT_TRUE(arguments.contains(0) && arguments.contains(3));
}

// A nested injection stays nested in an earlier one.
TEST(Mutator, NestsInEarlierInjectionsOnly) {
  Bytes input;
  unsigned nested = 0;
  for (std::uint64_t seed = 0; seed < 3000; seed++) {
    input = seed % 7 == 0 ? cross(input, mutate(input, kRoom, seed), kRoom, seed)
                          : mutate(input, kRoom, seed);
    std::size_t earlier = 0;
    for (std::size_t i = 1; i < record_count(input); i++) {
      const ByteRecord record = ByteRecord::read(input, i);
      if (record.kind() == ByteRecord::Kind::operation) earlier = 0;
      if (record.kind() != ByteRecord::Kind::injection) continue;
      ASSERT_LE(record.in(), earlier++);
      nested += record.in() != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(nested, 100U);
}

TEST(Mutator, KeepsTheScheduleInFrontWhenOperationsMove) {
  Bytes input = mutate({}, kRoom, 1);
  input[0] = 5;
  for (std::uint64_t seed = 0; seed < 200; seed++) {
    const Bytes crossed = cross(input, mutate({}, kRoom, seed), kRoom, seed);
    EXPECT_EQ(crossed[0], 5);
    EXPECT_EQ(ByteRecord::read(crossed, 0).value(), ByteRecord::read(input, 0).value());
  }
}

TEST(Mutator, FitsInWhatThereIsRoomFor) {
  Bytes large;
  for (std::uint64_t seed = 0; seed < 500; seed++) large = mutate(large, kRoom, seed);
  for (std::size_t room = 1; room < 60; room++) {
    EXPECT_LE(mutate(large, room, room).size(), room);
    EXPECT_LE(cross(large, large, room, room).size(), room);
  }
}

}  // namespace
}  // namespace sigsweep::fuzz
