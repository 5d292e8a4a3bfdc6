// The night's table: what must hold for each of its rows.
#include "stress/host/nightly/night_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "stress/host/nightly/night_plan.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// Seven targets, as there are.
const NightSubjects kSubjectsOfTest{
    "release",
    {"a_fuzzer", "b_fuzzer", "c_fuzzer", "d_fuzzer", "e_fuzzer", "f_fuzzer", "g_fuzzer"},
    {"/corpus/x.sched"}};

std::vector<std::string> names_of(const std::vector<PartSpec>& parts) {
  std::vector<std::string> names;
  names.reserve(parts.size());
  for (const PartSpec& part : parts) names.push_back(part.name);
  return names;
}

TEST(NightTable, NamesAreFoldersAndEachIsThereOnce) {
  std::set<std::string> names;
  for (const PartSpec& part : night_table(kSubjectsOfTest)) {
    EXPECT_TRUE(std::regex_match(part.name, std::regex("[a-z][a-zA-Z0-9_-]*"))) << part.name;
    EXPECT_TRUE(names.insert(part.name).second) << part.name;
  }
  for (const char* name :
       {"prove-arm", "mutants-arm", "sweep-386", "storm-tsan", "adapter-sweep-ucontext",
        "adapter-storm-boost_context", "fuzz-a_fuzzer-libfuzzer", "fuzz-g_fuzzer-afl",
        "minimize-b_fuzzer-afl", "triage", "bench"})
    EXPECT_THAT(names, Contains(name));
}

TEST(NightTable, EachNameInBracesIsKnown) {
  const std::set<std::string> known{"sigsweep", "builds",  "known", "seed", "corpus",
                                    "site",     "nights",  "kept",  "part", "results",
                                    "run",      "seconds", "jobs"};
  for (const PartSpec& part : night_table(kSubjectsOfTest)) {
    std::string all = part.first.from + part.first.to + part.input;
    for (const Level& level : part.levels)
      for (const std::string& word : level.words) all += word;
    for (const Need& need : part.needs) all += need.preset + need.target + need.file;
    const std::regex name("\\{([^}]*)\\}");
    for (std::sregex_iterator at(all.begin(), all.end(), name), end; at != end; ++at)
      EXPECT_TRUE(known.contains((*at)[1])) << part.name << ": " << (*at)[1];
  }
}

TEST(NightTable, EachPartHasItsLeastAndItsFirstLevel) {
  for (const PartSpec& part : night_table(kSubjectsOfTest)) {
    EXPECT_GT(part.least, part.overhead) << part.name;
    ASSERT_FALSE(part.levels.empty()) << part.name;
    EXPECT_EQ(part.levels.front().from, 0U) << part.name;
    EXPECT_TRUE(std::ranges::is_sorted(part.levels, {}, &Level::from)) << part.name;
    EXPECT_EQ(part.input.empty(), part.idle.empty()) << part.name;
    if (part.seconds_each > 0) {
      EXPECT_GE(part.least, part.least_runs * part.seconds_each) << part.name;
    }
  }
}

TEST(NightTable, TenMinutesDoEveryPartOnTwoProcessors) {
  EXPECT_LE(least_budget(night_table(kSubjectsOfTest), 2), 600U);
}

TEST(NightTable, MutantsAreDrawnUnlessThereIsTimeForAll) {
  unsigned isas = 0;
  for (const PartSpec& part : night_table(kSubjectsOfTest)) {
    if (!part.name.starts_with("mutants-")) continue;
    isas++;
    constexpr double kHours = 3 * 3600;
    EXPECT_THAT(level_for(part, part.least).words, Contains("--sample")) << part.name;
    EXPECT_THAT(level_for(part, kHours).words, Not(Contains("--sample"))) << part.name;
  }
  EXPECT_EQ(isas, 4U);
}

TEST(NightTable, OnlyTakesPartsAndWhatStandsInFrontOfADash) {
  const auto all = night_table(kSubjectsOfTest);
  EXPECT_EQ(names_of(only_those(all, {})), names_of(all));
  EXPECT_EQ(names_of(only_those(all, {"bench", "replay"})),
            (std::vector<std::string>{"replay", "bench"}));
  EXPECT_EQ(only_those(all, {"fuzz"}).size(), 14U);
  EXPECT_EQ(only_those(all, {"fuzz-a_fuzzer"}).size(), 2U);
  try {
    only_those(all, {"bench", "fuz"});
    ADD_FAILURE() << "fuz is taken";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kUsage);
    EXPECT_THAT(failure.what(), HasSubstr("--only fuz: no such part; allowed: replay, boundaries"));
  }
}

TEST(NightTable, SaysWhatMustBeBuilt) {
  const auto all = night_table(kSubjectsOfTest);
  EXPECT_EQ(needs_of(only_those(all, {"fuzz-a_fuzzer"})),
            "fuzz a_fuzzer\nafl a_fuzzer afl_mutator\n");
  EXPECT_EQ(needs_of(only_those(all, {"storm-tsan"})),
            "tsan runner-amd64-storm\nrelease runner-amd64\n");
  EXPECT_THAT(needs_of(all), HasSubstr("release adapters benchmarks proof-all "));
}

TEST(NightTable, PartsThatNeedTheCorpusAreSkippedWithoutIt) {
  std::vector<std::string> needing;
  for (const PartSpec& part : night_table(kSubjectsOfTest)) {
    const auto& words = part.levels.front().words;
    if (std::ranges::count(words, "{site}") == 0 && part.name != "replay") continue;
    needing.push_back(part.name);
    EXPECT_EQ(part.input, "{corpus}") << part.name;
  }
  EXPECT_EQ(needing, (std::vector<std::string>{"replay", "boundaries", "pairs"}));
}

TEST(NightTable, ReplaysWhatTheCorpusKeeps) {
  EXPECT_THAT(night_table(kSubjectsOfTest).front().levels.front().words,
              Contains("/corpus/x.sched"));
}

}  // namespace
}  // namespace sigsweep
