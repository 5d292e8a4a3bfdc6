// Which shard this is, and how missing ones are named. How the work is divided: command_test.cc.
#include "stress/host/shard.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace sigsweep {
namespace {

class Engines : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) unsetenv(name);
  }
  void TearDown() override { SetUp(); }

  static constexpr const char* kNames[] = {"SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX",
                                           "CI_NODE_INDEX", "PARALLEL_SEQ"};
  static std::string refusal(const std::string& text) {
    try {
      parse_shard(text);
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status, kUsage);
      return failure.what();
    }
    return "taken";
  }
};

TEST_F(Engines, CountFromTheirOwnFirstNumber) {
  struct {
    const char *name, *first, *last, *below, *beyond;
  } const kEngines[] = {{"SLURM_ARRAY_TASK_ID", "1", "16", "0", "17"},
                        {"JOB_COMPLETION_INDEX", "0", "15", "-1", "16"},
                        {"CI_NODE_INDEX", "1", "16", "0", "17"},
                        {"PARALLEL_SEQ", "1", "16", "0", "17"}};
  for (const auto& engine : kEngines) {
    setenv(engine.name, engine.first, 1);
    EXPECT_EQ(parse_shard("auto/16").index, 1U) << engine.name;
    EXPECT_NE(parse_shard("auto/16").source.find(engine.name), std::string::npos);
    setenv(engine.name, engine.last, 1);
    EXPECT_EQ(parse_shard("auto/16").index, 16U) << engine.name;
    for (const char* wrong : {engine.below, engine.beyond, "", "2x"}) {
      setenv(engine.name, wrong, 1);
      EXPECT_NE(refusal("auto/16").find(std::string(engine.name) + "=" + wrong + ": " +
                                        engine.first + " to " + engine.last + " is expected"),
                std::string::npos)
          << refusal("auto/16");
    }
    unsetenv(engine.name);
  }
}

TEST_F(Engines, MustBeOneAndNoMore) {
  EXPECT_NE(refusal("auto/4").find("no engine tells which part this is"), std::string::npos);
  setenv("SLURM_ARRAY_TASK_ID", "1", 1);
  setenv("PARALLEL_SEQ", "2", 1);
  EXPECT_NE(refusal("auto/4").find("are both set"), std::string::npos);
  EXPECT_EQ(parse_shard("2/4").index, 2U) << "a number needs no engine";
}

TEST_F(Engines, AreNotAskedForAWrongNumber) {
  for (const char* wrong : {"", "/", "1", "0/2", "3/2", "1/0", "auto", "auto/", "auto/0", "1/2/3",
                            "-1/2", "1/100001", "auto/x", "Auto/2"}) {
    EXPECT_NE(refusal(wrong).find("i/n with 1 <= i <= n <= 100000 is expected"), std::string::npos)
        << wrong << ": " << refusal(wrong);
  }
}

TEST(MissingShards, AreListedAsSbatchTakesThem) {
  EXPECT_EQ(list_of_shards(std::vector<unsigned>{3}, 16), "3 of 16");
  EXPECT_EQ(list_of_shards(std::vector<unsigned>{1, 2, 3, 7, 9, 10}, 16), "1-3,7,9-10 of 16");
}

}  // namespace
}  // namespace sigsweep
