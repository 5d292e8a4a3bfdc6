#include "stress/base/code_ranges.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace sigsweep {
namespace {

Region region(std::uint64_t at, std::size_t size) {
  return {as_pointer<const void>(at), size};
}

std::vector<CodeRanges::Range> ranges(std::vector<Region> regions) {
  const CodeRanges code(regions);
  return {code.begin(), code.end()};
}

using Ranges = std::vector<CodeRanges::Range>;

TEST(CodeRanges, AreSortedAndApart) {
  EXPECT_EQ(ranges({region(0x300, 0x10), region(0x100, 0x10), region(0x200, 0x10)}),
            (Ranges{{0x100, 0x110}, {0x200, 0x210}, {0x300, 0x310}}));
  EXPECT_EQ(ranges({region(0x110, 0x10), region(0x100, 0x10)}), (Ranges{{0x100, 0x120}}));
  EXPECT_EQ(ranges({region(0x100, 0x40), region(0x110, 0x10), region(0x138, 0x10)}),
            (Ranges{{0x100, 0x148}}));
}

TEST(CodeRanges, LeaveOutWhatIsEmpty) {
  EXPECT_EQ(ranges({region(0x100, 0), region(0x200, 1)}), (Ranges{{0x200, 0x201}}));
  EXPECT_TRUE(CodeRanges().empty());
  EXPECT_FALSE(CodeRanges().contains(0));
}

TEST(CodeRanges, ContainTheFirstByteAndNotTheOneBehindTheLast) {
  const std::vector<Region> regions{region(0x100, 0x10), region(0x200, 1)};
  const CodeRanges code(regions);
  for (std::uint64_t pc : {0x100U, 0x10fU, 0x200U}) EXPECT_TRUE(code.contains(pc)) << pc;
  for (std::uint64_t pc : {0x0U, 0xffU, 0x110U, 0x1ffU, 0x201U})
    EXPECT_FALSE(code.contains(pc)) << pc;
}

TEST(CodeRanges, EndAtTheLastAddress) {
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(ranges({region(kLast - 4, 100)}), (Ranges{{kLast - 4, kLast}}));
}

}  // namespace
}  // namespace sigsweep
