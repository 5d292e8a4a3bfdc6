// When a campaign has slowed down, and what its files of counters add up to.
#include "stress/host/campaign_figures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "stress/host/files.h"

namespace sigsweep {
namespace {

// Of a campaign that ran a second at each rate.
bool is_slow(const std::vector<std::uint64_t>& rates) {
  std::vector<CoursePoint> points;
  CoursePoint now;
  for (const std::uint64_t rate : rates) {
    now.seconds += 1;
    now.execs += rate;
    points.push_back(now);
  }
  return course_of(points).slow;
}

TEST(Course, IsSlowWhereTheLastQuarterIsATenthOfTheUsualRate) {
  EXPECT_TRUE(is_slow({100, 100, 100, 100, 100, 100, 5, 5}));
  EXPECT_TRUE(is_slow({100, 100, 100, 100, 100, 100, 0, 0}));
  EXPECT_TRUE(is_slow({100, 100, 100, 0, 0, 0, 0, 0}));
}

TEST(Course, IsNotSlowOtherwise) {
  EXPECT_FALSE(is_slow({100, 100, 100, 100, 100, 100, 100, 100}));
  EXPECT_FALSE(is_slow({100, 100, 100, 100, 100, 100, 50, 50}));
  EXPECT_FALSE(is_slow({100, 100, 100, 100, 100, 100, 100, 1}));
  EXPECT_FALSE(is_slow({0, 0, 0, 100, 100, 100, 100, 100}));
  EXPECT_FALSE(is_slow({100, 0}));
  EXPECT_FALSE(is_slow({}));
}

TEST(Course, TellsPhasesOverTime) {
  EXPECT_EQ(course_of({{1, 10, 3}, {2, 20, 7}}).phases, "phases over time: 3 at 1 s, 7 at 2 s");
}

class FiguresOfAFolder : public testing::Test {
 protected:
  void write(const std::string& name, const void* bytes, std::size_t size) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary)
        .write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  }
  const TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
  std::string why_;
};

TEST_F(FiguresOfAFolder, AreSumsAndPhasesThatAnyHasCovered) {
  fuzz::Stats one{}, other{};
  one.execs = 3;
  one.operations = 5;
  one.landed = 2;
  one.rows = 3;
  one.nesting[2] = 1;
  one.was_covered[0] = 1;
  other.execs = 7;
  other.was_covered[2] = 1;  // it ended before it described its rows
  write("1", &one, sizeof one);
  write("2", &other, sizeof other);
  const auto figures = read_figures(folder_, &why_);
  ASSERT_TRUE(figures) << why_;
  EXPECT_EQ(line_of(*figures, 2),
            "10 execs, 5 a second; 5 operations, 0 signals asked for, 2 landed (0.20 an exec), 0 "
            "unreached; phases: 1 of 2 in operations, 1 of 1 in handlers, 0 of 0 in handlers' "
            "handlers");
  EXPECT_EQ(figures->covered(), 2U);
}

TEST_F(FiguresOfAFolder, OfATargetWithoutSignalsNameNone) {
  fuzz::Stats one{};
  one.execs = 8;
  write("1", &one, sizeof one);
  EXPECT_EQ(line_of(read_figures(folder_, &why_).value(), 2), "8 execs, 4 a second");
}

TEST_F(FiguresOfAFolder, OfATargetWithoutSignalsAreItsOwn) {
  fuzz::Stats one{}, other{};
  one.execs = 8;
  one.own[0] = {"objects", 5};
  one.own[1] = {"collections of the heap", 0};  // as long as a name may be
  other.own[0] = {"collections of the heap", 2};
  write("1", &one, sizeof one);
  EXPECT_FALSE(read_figures(folder_, &why_).value().is_idle());
  write("2", &other, sizeof other);
  Figures both = read_figures(folder_, &why_).value();
  std::ranges::sort(both.own);  // a folder's files have no order
  EXPECT_EQ(line_of(both, 2), "8 execs, 4 a second; 2 collections of the heap, 5 objects");
  both.operations = 3;
  both.strays = 7;
  EXPECT_EQ(line_of(both, 2),
            "8 execs, 4 a second; 3 operations, 2 collections of the heap, 5 objects and 7 "
            "free-running signals, 0 of those in the code under test");
}

TEST_F(FiguresOfAFolder, TellWhereNoInputDidAnything) {
  fuzz::Stats one{};
  one.execs = 8;
  write("1", &one, sizeof one);
  EXPECT_FALSE(read_figures(folder_, &why_).value().is_idle()) << "it counts nothing of its own";
  one.own[0] = {"objects", 0};
  write("1", &one, sizeof one);
  EXPECT_TRUE(read_figures(folder_, &why_).value().is_idle());
}

TEST_F(FiguresOfAFolder, AreRefusedWhereAFileIsShort) {
  write("1", "12345", 5);
  EXPECT_FALSE(read_figures(folder_, &why_));
  EXPECT_EQ(why_, folder_ + "/1: 5 bytes, " + std::to_string(sizeof(fuzz::Stats)) + " expected");
}

TEST_F(FiguresOfAFolder, AreNoneWithoutAFolder) {
  EXPECT_FALSE(read_figures(folder_ + "/none", &why_));
  EXPECT_NE(why_.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace sigsweep
