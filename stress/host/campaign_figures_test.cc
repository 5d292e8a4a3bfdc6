// When a campaign has slowed down, and what its files of counters add up to.
#include "stress/host/campaign_figures.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

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

TEST(Course, IsPlotDataOfAfl) {
  const std::string text = plot_data({{2, 10, 3}, {4, 30, 7}});
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            "2, 0, 0, 0, 0, 0, 0.00%, 0, 0, 0, 5.00, 10, 3\n"
            "4, 0, 0, 0, 0, 0, 0.00%, 0, 0, 0, 10.00, 30, 7\n");
}

// afl-plot wants some lines at least.
TEST(Course, IsPlottedByAflPlot) {
  for (const char* program : {"afl-plot", "gnuplot"}) {
    if (std::system(fmt::format("command -v {} >/dev/null", program).c_str()) != 0)
      GTEST_SKIP() << "there is no " << program << " here (packages afl++ and gnuplot-nox)";
  }
  std::vector<CoursePoint> points;
  for (unsigned i = 1; i <= 16; i++) points.push_back({10.0 * i, 1000 * i, 10 * i});
  const TemporaryFolder temporary;
  const std::string folder = temporary.path();
  std::ofstream(folder + "/plot_data") << plot_data(points);
  std::ofstream(folder + "/fuzzer_stats") << "afl_banner        : onm_fuzzer, libfuzzer\n";
  const std::string out = folder + "/plot";
  ASSERT_EQ(std::system(fmt::format("afl-plot {} {} >{}/log 2>&1", folder, out, folder).c_str()), 0)
      << content_of(folder + "/log");
  EXPECT_EQ(content_of(folder + "/log").find("warning"), std::string::npos)
      << content_of(folder + "/log");
  for (const char* picture : {"exec_speed.png", "edges.png"}) {
    std::ifstream in(out + "/" + picture, std::ios::binary);
    const std::string image(std::istreambuf_iterator<char>(in), {});
    EXPECT_EQ(image.substr(1, 3), "PNG") << picture;
  }
  EXPECT_NE(content_of(out + "/index.html").find("onm_fuzzer, libfuzzer"), std::string::npos);
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
