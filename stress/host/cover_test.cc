// Which inputs are chosen by what they show.
#include "stress/host/cover.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

using Paths = std::vector<std::string>;

const char* const kControl =
    "3\n0\nc/a b\nc/b\nc/c\n"
    "STARTED 0 5\nFT 0 1 2\nCOV 0 9\n"
    "STARTED 1 5\nFT 1 2 3 4\nCOV 1\n"
    "STARTED 2 5\nFT 2 3 4\nCOV 2\n";

TEST(ControlFile, TellsTheFeaturesOfEachInput) {
  const auto shown = read_control_file(kControl);
  ASSERT_EQ(shown.size(), 3U);
  EXPECT_EQ(shown[0].path, "c/a b");
  EXPECT_EQ(shown[0].features, (std::set<std::string>{"1", "2"}));
  EXPECT_EQ(shown[1].features.size(), 3U);
}

TEST(ControlFile, ThatIsCutShortTellsOfFewer) {
  EXPECT_EQ(read_control_file("3\n0\nc/a\n").size(), 1U);
  EXPECT_TRUE(read_control_file("").empty());
}

TEST(Cover, TakesTheOneThatAddsMostFirst) {
  const Cover chosen = cover(read_control_file(kControl), 1);
  EXPECT_EQ(chosen.paths, Paths{"c/b"});
  EXPECT_EQ(chosen.features, 3U);
  EXPECT_EQ(chosen.all_features, 4U);
}

TEST(Cover, TakesNoneThatAddsNothing) {
  EXPECT_EQ(cover(read_control_file(kControl), 9).paths, (Paths{"c/b", "c/a b"}));
}

TEST(Cover, TakesTheSmallerNameOfTwo) {
  EXPECT_EQ(cover({{"b", {"1"}}, {"a", {"1"}}}, 9).paths, Paths{"a"});
}

}  // namespace
}  // namespace sigsweep
