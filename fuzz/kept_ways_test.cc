// Ways as bytes, and back: at another place in memory, and of a damaged file.
#include "fuzz/kept_ways.h"

#include <gtest/gtest.h>

namespace sigsweep::fuzz {
namespace {

constexpr std::uint64_t kBias = 0x555500000000, kOther = 0x7f0000000000;

// As if the program were loaded there.
WayMap ways_at(std::uint64_t bias) {
  WayMap ways;
  ways[{false, 1, 2}] = {{"caller/live=-", {{bias + 0x10, 0, 1}, {bias + 0x14, 0, 1}}},
                         {"stub", {{bias + 0x10, bias + 0x14, 2}}}};
  ways[{true, 0, ~0U}] = {{"caller", {{bias + 0xffffffff, 0, 3}}}};
  return ways;
}

TEST(KeptWays, AreTheSameWhereverTheProgramIsLoaded) {
  const auto bytes = bytes_of_ways(ways_at(kBias), kBias);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(ways_of_bytes(*bytes, kBias), ways_at(kBias));
  EXPECT_EQ(ways_of_bytes(*bytes, kOther), ways_at(kOther));
}

TEST(KeptWays, AreNotOfAnotherModule) {
  WayMap ways = ways_at(kBias);
  ways[{false, 1, 2}][0].spots[0].pc = kBias + 0x100000000;
  EXPECT_FALSE(bytes_of_ways(ways, kBias));
  ways[{false, 1, 2}][0].spots[0].pc = kBias - 1;
  EXPECT_FALSE(bytes_of_ways(ways, kBias));
}

TEST(KeptWays, ThatAreCutShortAreRefused) {
  const std::string bytes = bytes_of_ways(ways_at(kBias), kBias).value();
  unsigned whole = 0;
  for (std::size_t size = 0; size < bytes.size(); size++) {
    const auto read = ways_of_bytes(std::string_view(bytes).substr(0, size), kBias);
    whole += read ? 1 : 0;
  }
  EXPECT_EQ(whole, 2U) << "nothing, and the first of two ways";
}

TEST(KeptWays, WithAHugeCountAreRefused) {
  std::string bytes = bytes_of_ways(ways_at(kBias), kBias).value();
  bytes.replace(3 * 4, 4, 4, '\xff');  // of the first way's phases
  EXPECT_FALSE(ways_of_bytes(bytes, kBias));
}

}  // namespace
}  // namespace sigsweep::fuzz
