// A phase as a value.
#include "stress/schedule/phase.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

TEST(Phase, IsCutWhereItsNumberBegins) {
  const auto phase = Phase::parse("stub.switched/sp=other/live=s0+s1#3");
  ASSERT_TRUE(phase);
  EXPECT_EQ(phase->head(), "stub.switched/sp=other/live=s0+s1");
  EXPECT_EQ(phase->nth(), 3U);
  EXPECT_EQ(phase->text(), "stub.switched/sp=other/live=s0+s1#3");
  EXPECT_EQ(Phase::parse("resume/sp=co0#2"), Phase("resume/sp=co0", 2));  // there are no slots
}

TEST(Phase, ThatIsNotGivenHasNoText) {
  EXPECT_TRUE(Phase().empty());
  EXPECT_EQ(Phase().text(), "");
  EXPECT_EQ(Phase().head(), "");
  EXPECT_FALSE(Phase("fn/live=-", 1).empty());
}

TEST(Phase, OfAnotherShapeIsNone) {
  for (const char* text : {"", "#1", "fn/live=-", "fn/live=-#", "fn/live=-#0", "fn/live=-#01",
                           "fn/live=-#4294967296", "fn/live=-#1 ", "fn#1", "fn/live=-/#1"}) {
    EXPECT_FALSE(Phase::parse(text)) << text;
  }
}

TEST(Phase, IsEqualToOneOfTheSameHeadAndNumber) {
  EXPECT_EQ(Phase("fn/live=-", 2), Phase::parse("fn/live=-#2"));
  EXPECT_NE(Phase("fn/live=-", 2), Phase("fn/live=-", 1));
  EXPECT_NE(Phase("fn/live=-", 2), Phase("fn/live=s0", 2));
  EXPECT_LT(Phase("fn/live=-", 2), Phase("fn/live=-", 10));
}

// Fingerprints of cells contain this hash, and are compared from build to build.
TEST(Phase, HasTheHashOfItsText) {
  EXPECT_EQ(Phase().hash(), 0xcbf29ce484222325U);
  EXPECT_EQ(Phase("a/live=-", 1).hash(), 0xfbbd2925a66d4671U);
}

}  // namespace
}  // namespace sigsweep
