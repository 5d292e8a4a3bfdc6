// Budgets and shares.
#include "stress/host/nightly/night_plan.h"

#include <gtest/gtest.h>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

PartSpec part(unsigned least, double weight, Width width = Width::all) {
  PartSpec spec;
  spec.least = least;
  spec.weight = weight;
  spec.width = width;
  return spec;
}

TEST(NightPlan, TheLeastBudgetIsTheLeastOfAllPartsAndTheReserve) {
  EXPECT_EQ(least_budget({part(30, 1), part(30, 1)}, 2), 70U);
  EXPECT_EQ(least_budget({part(30, 1), part(31, 1)}, 2), 80U);  // in full tens
  // Two that share the machine take as long as one.
  EXPECT_EQ(least_budget({part(30, 1, Width::half), part(30, 1, Width::half)}, 2), 40U);
  // One processor has no half.
  EXPECT_EQ(least_budget({part(30, 1, Width::half), part(30, 1, Width::half)}, 1), 70U);
}

TEST(NightPlan, WhatIsLeftIsSharedByWeight) {
  const PartSpec a = part(10, 1), b = part(20, 3), c = part(10, 4, Width::half);
  const std::vector<const PartSpec*> all{&a, &b, &c};
  // 10 + 20 + 5 are the least; 60 are left for weights 1, 3 and a half of 4.
  EXPECT_DOUBLE_EQ(share_of(a, all, 95, 2), 20);
  EXPECT_DOUBLE_EQ(share_of(b, all, 95, 2), 50);
  EXPECT_DOUBLE_EQ(share_of(c, all, 95, 2), 50);
  // The shares of all are the time of the whole machine.
  EXPECT_DOUBLE_EQ(20 + 50 + machine_seconds(c, 50, 2), 95);
}

TEST(NightPlan, APartHasItsLeastEvenIfTooLittleIsLeft) {
  const PartSpec a = part(10, 1), b = part(20, 3);
  EXPECT_DOUBLE_EQ(share_of(a, {&a, &b}, 5, 2), 10);
}

TEST(NightPlan, ReadsAndPrintsBudgets) {
  EXPECT_EQ(parse_budget("90s"), 90U);
  EXPECT_EQ(parse_budget("10m"), 600U);
  EXPECT_EQ(parse_budget("8h"), 28800U);
  for (const char* wrong : {"", "10", "0m", "-5m", "10 m", "1.5h", "8d", "1234567s"}) {
    try {
      parse_budget(wrong);
      ADD_FAILURE() << wrong << " is taken";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status, kUsage);
      EXPECT_NE(std::string(failure.what()).find("allowed: 90s, 10m, 8h"), std::string::npos);
    }
  }
  EXPECT_EQ(budget_text(590), "9m50s");
  EXPECT_EQ(budget_text(28800), "8h");
  EXPECT_EQ(budget_text(3661), "1h1m1s");
  EXPECT_EQ(budget_text(0), "0s");
}

TEST(NightPlan, AShareDecidesTheLevelAndTheRuns) {
  PartSpec spec;
  spec.levels = {{0, {"small"}}, {60, {"large"}}};
  EXPECT_EQ(level_for(spec, 59).words[0], "small");
  EXPECT_EQ(level_for(spec, 60).words[0], "large");
  EXPECT_EQ(runs_for(spec, 1000), 1U);
  spec.seconds_each = 5;
  spec.least_runs = 7;
  spec.most_runs = 20;
  EXPECT_EQ(runs_for(spec, 1), 7U);
  EXPECT_EQ(runs_for(spec, 50), 10U);
  EXPECT_EQ(runs_for(spec, 5000), 20U);
}

TEST(NightPlan, NamesInBracesAreFilledIn) {
  const WordValues values{{"part", "/a b"}, {"run", "{part}"}};
  EXPECT_EQ(filled("{part}/x{run}", values), "/a b/x{part}");
  EXPECT_EQ(filled("{\"kind\":1} {part", values), "{\"kind\":1} {part");
}

}  // namespace
}  // namespace sigsweep
