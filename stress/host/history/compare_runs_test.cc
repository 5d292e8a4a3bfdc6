#include "stress/host/history/compare_runs.h"

#include <gmock/gmock.h>

#include <random>

#include "stress/host/history/history_fixture.h"

namespace sigsweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CompareRuns : public History {
 protected:
  // JSON of `sigsweep bench` of ten processes, in which BM_a takes `ns`.
  std::vector<std::string> benchmarks(const std::string& night, double ns, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> scatter(1, 0.02);
    std::vector<std::string> files;
    for (int process = 0; process < 10; process++) {
      ordered_json rows = ordered_json::array();
      for (const auto& [name, time] : {std::pair{"BM_a_b", ns}, {"BM_fcontext_two_jumps", 8.5}}) {
        rows.push_back({{"run_name", name},
                        {"run_type", "iteration"},
                        {"repetitions", 1},
                        {"repetition_index", 0},
                        {"real_time", time * scatter(random)},
                        {"time_unit", "ns"}});
      }
      files.push_back("bench-" + std::to_string(process) + ".json");
      write(night + "/" + files.back(),
            ordered_json{{"context", {{"isa", "amd64"}}}, {"benchmarks", rows}}.dump());
    }
    return files;
  }
  void bench_night(const std::string& id, double ns, unsigned seed,
                   const std::string& processor = "Some CPU") {
    Part bench = part("bench", {});
    bench.row.results = benchmarks(id, ns, seed);
    import(night(id, 1 + seed, {bench}, processor));
  }
};

TEST_F(CompareRuns, AFindingIsNewAndThenGone) {
  import(night("a", 1, {part("prove", {a_cell("scavenge_m")})}));
  import(night("b", 2, {part("prove", {a_cell("scavenge_m"), a_finding(kFound)}, "finding")}));
  import(night("c", 3, {part("prove", {a_cell("scavenge_m")})}));
  const RunContrast worse = contrasted("a", "b"), mended = contrasted("b", "c");
  EXPECT_THAT(names(worse), ElementsAre(std::string("new finding ") + kFound));
  EXPECT_THAT(worse.rows[0].text, HasSubstr("amd64 reject scavenge_m gc_m crash"));
  EXPECT_THAT(worse.rows[0].text, HasSubstr("never seen before"));
  EXPECT_TRUE(worse.fails());
  EXPECT_THAT(names(mended), ElementsAre(std::string("gone finding ") + kFound));
  EXPECT_FALSE(mended.fails());
}

TEST_F(CompareRuns, AFindingThatComesBackTellsWhenItWasFirstSeen) {
  import(night("a", 1, {part("prove", {a_finding(kFound)}, "finding")}));
  import(night("b", 2, {part("prove", {})}));
  import(night("c", 3, {part("prove", {a_finding(kFound)}, "finding")}));
  EXPECT_THAT(contrasted("b", "c").rows.at(0).text, HasSubstr("first seen 2026-11-01T03:00:00Z"));
}

TEST_F(CompareRuns, AnAcknowledgedFindingIsShownAndDoesNotFail) {
  import(night("a", 1, {part("prove", {})}));
  import(night("b", 2, {part("prove", {a_finding(kFound, true)})}));
  const RunContrast c = contrasted("a", "b");
  EXPECT_THAT(names(c), ElementsAre(std::string("new finding ") + kFound));
  EXPECT_THAT(c.rows[0].text, HasSubstr("(acknowledged)"));
  EXPECT_FALSE(c.fails());
}

TEST_F(CompareRuns, AFindingThatNothingLookedForIsNotGone) {
  import(night("a", 1, {part("prove", {a_finding(kFound)}, "finding")}));
  import(night("b", 2, {part("prove", {}, "hung")}));
  import(night("c", 3, {part("prove", {}, "ok", 0)}));
  EXPECT_THAT(names(contrasted("a", "b")),
              ElementsAre(std::string("not run finding ") + kFound, "not run part prove"));
  EXPECT_THAT(names(contrasted("a", "c")),
              ElementsAre(std::string("not run finding ") + kFound, "did no work part prove"));
}

TEST_F(CompareRuns, AClaimThatFailsIsNewAndThenGone) {
  import(night("a", 1, {part("prove", {a_claim(4, true), a_claim(5, false)})}));
  import(night("b", 2, {part("prove", {a_claim(4, false), a_claim(5, false)})}));
  EXPECT_THAT(names(contrasted("a", "b")), ElementsAre("new claim 4 amd64"));
  EXPECT_THAT(contrasted("a", "b").rows[0].text, HasSubstr("it is not"));
  EXPECT_TRUE(contrasted("a", "b").fails());
  EXPECT_THAT(names(contrasted("b", "a")), ElementsAre("gone claim 4 amd64"));
  EXPECT_FALSE(contrasted("b", "a").fails());
}

TEST_F(CompareRuns, WhatWasNotRunAndWhatDidNoWorkIsToldInSums) {
  import(night("a", 1,
               {part("prove", {a_cell("a"), a_cell("b"), a_cell("c"), a_claim(4, true)}),
                part("storm", {})}));
  import(night("b", 2, {part("prove", {a_cell("a"), a_cell("b", 0)})}));
  const RunContrast c = contrasted("a", "b");
  EXPECT_THAT(names(c), ElementsAre("not run claim 4 amd64", "not run part storm",
                                    "not run cells amd64 reject single",
                                    "did no work cells amd64 reject single"));
  EXPECT_EQ(c.rows[2].text, "1 cell");
  EXPECT_FALSE(c.fails());
}

TEST_F(CompareRuns, EqualNightsDifferInNothing) {
  import(night("a", 1,
               {part("prove", {a_cell("a"), a_finding(kFound), a_claim(4, false)}, "finding")}));
  import(night("b", 2,
               {part("prove", {a_cell("a"), a_finding(kFound), a_claim(4, false)}, "finding")}));
  EXPECT_THAT(names(contrasted("a", "b")), IsEmpty());
}

TEST_F(CompareRuns, ASlowdownIsFlaggedAndAnEqualRunIsNot) {
  bench_night("a", 6.6, 0);
  bench_night("b", 6.6, 1);
  bench_night("c", 6.6 * 1.2, 2);
  EXPECT_THAT(names(contrasted("a", "b")), IsEmpty());
  EXPECT_EQ(contrasted("a", "b").times_judged, 1U);
  const RunContrast slow = contrasted("a", "c");
  EXPECT_THAT(names(slow), ElementsAre("slower benchmark BM_a_b"));
  EXPECT_THAT(slow.rows[0].text, HasSubstr("in BM_fcontext_two_jumps: 0.7"));
  EXPECT_TRUE(slow.fails());
}

TEST_F(CompareRuns, AnotherMachineIsNotJudged) {
  bench_night("a", 6.6, 0);
  bench_night("c", 6.6 * 2, 2, "Another CPU");
  const RunContrast c = contrasted("a", "c");
  EXPECT_THAT(names(c), ElementsAre("not judged benchmark all"));
  EXPECT_EQ(c.rows[0].text, "the machines are not alike: Some CPU then, Another CPU now");
  EXPECT_FALSE(c.fails());
}

TEST_F(CompareRuns, AMachineWhoseFeaturesAreUnknownIsNotJudged) {
  bench_night("a", 6.6, 0);
  bench_night("c", 6.6 * 2, 2);
  SQLite::Database(file(), SQLite::OPEN_READWRITE).exec("UPDATE machine SET features = ''");
  const RunContrast c = contrasted("a", "c");
  EXPECT_THAT(names(c), ElementsAre("not judged benchmark all"));
  EXPECT_EQ(c.rows[0].text, "one of the runs does not tell its machine's features");
}

TEST_F(CompareRuns, OtherFeaturesAreNotJudgedAndAreNamed) {
  bench_night("a", 6.6, 0);
  bench_night("c", 6.6 * 2, 2);
  SQLite::Database(file(), SQLite::OPEN_READWRITE)
      .exec(
          "INSERT INTO machine VALUES(9, 'Some CPU', 'xcr0=0x7' || char(10) || 'microcode=2', 1.0);"
          "UPDATE run SET machine = 9 WHERE id = 'c'");
  const RunContrast c = contrasted("a", "c");
  EXPECT_THAT(names(c), ElementsAre("not judged benchmark all"));
  EXPECT_EQ(c.rows[0].text, "the machines are not alike: other features: microcode=2 now");
}

TEST_F(CompareRuns, RunsAreNamedByTheirBeginningAndNightsFromTheLast) {
  import(night("aa", 1, {}));
  import(night("ab", 2, {}));
  EXPECT_EQ(contrasted("last~1", "last").before.id, "aa");
  EXPECT_EQ(contrasted("aa", "ab").now.id, "ab");
  EXPECT_EQ(refused([&] { contrasted("a", "last"); }), "2: a: may be any of aa, ab");
  EXPECT_EQ(refused([&] { contrasted("last~2", "last"); }), "2: last~2: this history has 2 nights");
  EXPECT_THAT(refused([&] { contrasted("x", "last"); }), HasSubstr("2: x: no run of this history"));
}

}  // namespace
}  // namespace sigsweep
