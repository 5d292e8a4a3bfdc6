// No write through the harness's values may hit anything.
#include "stress/base/harmless.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace sigsweep {
namespace {

TEST(Harmless, WordsLieInTheHoleAndKeepTheirOtherBits) {
  for (const std::uint64_t x : {0ULL, ~0ULL, 0x123456789abcdef0ULL}) {
    const std::uint64_t low = harmless_word(x) & 0xffffffff;
    EXPECT_GE(low, kHoleBegin);
    EXPECT_LT(low, kHoleBegin + kHoleSize);
    EXPECT_EQ(harmless_word(x) >> 32, x >> 32);
    EXPECT_EQ(harmless_word(x) & 0x0fffffff, x & 0x0fffffff);
  }
}

TEST(Harmless, TheHoleIsEmptyAndAllowsNothing) {
  ASSERT_EQ(keep_hole_empty(), "");
  EXPECT_EQ(keep_hole_empty(), "") << "again";
  std::ifstream maps("/proc/self/maps");
  std::string here;
  for (std::string line; std::getline(maps, line);) {
    const std::uint64_t begin = std::stoull(line, nullptr, 16);
    const std::uint64_t end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    if (begin < kHoleBegin + kHoleSize && end > kHoleBegin) here += line + "\n";
  }
  EXPECT_EQ(here.substr(0, 23), "50000000-60000000 ---p ") << here;
  EXPECT_EQ(here.find('\n'), here.size() - 1) << here;
}

}  // namespace
}  // namespace sigsweep
