#include "stress/host/history/benchmarks.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <regex>

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

// A run of ten processes, in which the machine as a whole is slower or faster from process to process,
// and each time scatters by some per cent.
std::vector<BenchmarkTime> a_run(std::uint64_t seed, double onm_factor = 1,
                                 unsigned processes = 10) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> scatter(1, 0.02);
  std::uniform_real_distribution<double> machine(0.7, 1.4);
  std::vector<BenchmarkTime> times;
  for (unsigned process = 0; process < processes; process++) {
    const double pace = machine(random);
    const auto add = [&](const char* name, double ns) {
      times.push_back({"bench", "amd64", name, process, ns * pace * scatter(random)});
    };
    add("BM_onM_curg", 6.6 * onm_factor);
    add("BM_onM_floor", 6.5);
    add("BM_fcontext_two_jumps", 8.5);
    add("BM_inject_direct", 1500);
    add("BM_int3_floor", 1380);
  }
  return times;
}

TEST(Benchmarks, ASlowdownOfAFifthIsFlaggedAgainstEachPeer) {
  const TimesCompared compared = compare_times(a_run(1), a_run(2, 1.2));
  ASSERT_EQ(compared.slower.size(), 2U);
  for (const SlowerRow& row : compared.slower) {
    EXPECT_EQ(row.name, "BM_onM_curg");
    EXPECT_NEAR(row.now / row.before, 1.2, 0.04);
    EXPECT_LT(row.chance, kMostChance);
    EXPECT_EQ(row.processes_now, 10U);
  }
  EXPECT_EQ(compared.slower[0].peers, Peers{"BM_fcontext_two_jumps"});
  EXPECT_EQ(compared.slower[1].peers, Peers{"BM_onM_floor"});
}

TEST(Benchmarks, TenEqualRunsFlagNothing) {
  for (std::uint64_t a = 0; a < 10; a++) {
    for (std::uint64_t b = 0; b < 10; b++) {
      const TimesCompared compared = compare_times(a_run(a), a_run(b));
      EXPECT_TRUE(compared.slower.empty()) << a << " against " << b;
      EXPECT_EQ(compared.judged, 3U);
    }
  }
}

TEST(Benchmarks, AMachineThatIsSlowerAsAWholeIsNoSlowdown) {
  std::vector<BenchmarkTime> slow = a_run(2);
  for (BenchmarkTime& time : slow) time.ns *= 2;
  EXPECT_TRUE(compare_times(a_run(1), slow).slower.empty());
}

TEST(Benchmarks, ASlowdownBelowTheLeastEffectIsNotTold) {
  EXPECT_TRUE(compare_times(a_run(1), a_run(2, 1.04)).slower.empty());
}

// Slower by a half, but each of the times may be of either run.
TEST(Benchmarks, WhatChanceMayMakeIsNotTold) {
  std::vector<BenchmarkTime> before, now;
  for (unsigned process = 0; process < 7; process++) {
    const auto add = [&](std::vector<BenchmarkTime>* run, double ns) {
      run->push_back({"bench", "amd64", "BM_a_b", process, ns});
      run->push_back({"bench", "amd64", "BM_fcontext_two_jumps", process, 1});
    };
    add(&before, process + 1);
    add(&now, process + 3);
  }
  const TimesCompared compared = compare_times(before, now);
  EXPECT_EQ(compared.judged, 1U);
  EXPECT_TRUE(compared.slower.empty());
}

TEST(Benchmarks, WhatIsFasterIsNotSlower) {
  EXPECT_TRUE(compare_times(a_run(1), a_run(2, 0.7)).slower.empty());
}

TEST(Benchmarks, TooFewProcessesAreNotJudged) {
  const TimesCompared compared = compare_times(a_run(1), a_run(2, 3, kLeastProcesses - 1));
  EXPECT_TRUE(compared.slower.empty());
  EXPECT_EQ(compared.judged, 0U);
  ASSERT_EQ(compared.not_judged.size(), 3U);
  EXPECT_EQ(compared.not_judged[0],
            "BM_inject_direct of amd64 by BM_int3_floor: measured in 10 and in 6 processes, of 7 "
            "that it takes");
  EXPECT_EQ(compare_times(a_run(1), a_run(2, 3, kLeastProcesses)).slower.size(), 2U)
      << "the fewest that are taken can't be flagged";
}

TEST(Benchmarks, WithoutAPeerIsNotJudged) {
  std::vector<BenchmarkTime> now = a_run(2, 3);
  std::erase_if(now, [](const BenchmarkTime& t) { return t.name == "BM_int3_floor"; });
  const TimesCompared compared = compare_times(a_run(1), now);
  ASSERT_EQ(compared.not_judged.size(), 1U);
  EXPECT_EQ(compared.not_judged[0], "BM_inject_direct of amd64: no peer of it was measured");
}

// results/ratios.py has the ratios that must keep a bound. What it divides by is a peer here, too.
TEST(Benchmarks, PeersAreThoseOfTheRatiosThatMustHold) {
  std::ifstream file(SIGSWEEP_SOURCE "/results/ratios.py");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const std::regex ratio(R"re(\["(BM_\w+)"\],\s*\[("BM_\w+"(?:, "BM_\w+")*)\])re"), name("BM_\\w+");
  unsigned found = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), ratio), end; at != end; ++at, found++) {
    const std::string below = (*at)[2];
    Peers peers;
    for (std::sregex_iterator n(below.begin(), below.end(), name); n != end; ++n)
      peers.push_back(n->str());
    const auto all =
        peers_of((*at)[1], {"BM_int3_floor", "BM_tgkill_floor", "BM_fcontext_two_jumps",
                            "BM_onM_floor", "BM_mcall_floor"});
    EXPECT_EQ(std::count(all.begin(), all.end(), peers), 1) << (*at)[0];
  }
  EXPECT_GE(found, 7U);
}

TEST(Benchmarks, APeerIsJudgedByNothing) {
  EXPECT_TRUE(peers_of("BM_onM_floor", {"BM_fcontext_two_jumps", "BM_onM_floor"}).empty());
  EXPECT_TRUE(peers_of("BM_swapcontext_two", {"BM_fcontext_two_jumps"}).empty());
}

ordered_json row(const char* name, int repetitions, int index, double time) {
  return {{"run_name", std::string(name) + "/manual_time"},
          {"run_type", "iteration"},
          {"repetitions", repetitions},
          {"repetition_index", index},
          {"real_time", time},
          {"time_unit", "us"}};
}

TEST(Benchmarks, OfRepetitionsInOneProcessTheLeastCounts) {
  const ordered_json json = {
      {"context", {{"isa", "386"}}},
      {"benchmarks", {row("BM_a", 3, 0, 5), row("BM_a", 3, 1, 3), row("BM_a", 3, 2, 4)}}};
  unsigned process = 4;
  const auto times = benchmark_times(json, "bench", &process);
  ASSERT_EQ(times.size(), 1U);
  EXPECT_EQ(times[0].name, "BM_a");
  EXPECT_EQ(times[0].isa, "386");
  EXPECT_EQ(times[0].ns, 3000);
  EXPECT_EQ(times[0].process, 4U);
  EXPECT_EQ(process, 5U);
}

TEST(Benchmarks, ProcessesThatWerePutTogetherStayApart) {
  const ordered_json json = {{"context", {{"isa", "amd64"}}},
                             {"benchmarks", {row("BM_a", 1, 0, 5), row("BM_a", 1, 1, 3)}}};
  unsigned process = 0;
  EXPECT_EQ(benchmark_times(json, "", &process).size(), 2U);
  EXPECT_EQ(process, 2U);
}

}  // namespace
}  // namespace sigsweep
