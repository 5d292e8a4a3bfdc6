// Nights whose parts go wrong in each way, are killed, stopped, and gone on with.
#include <fmt/printf.h>
#include <sys/resource.h>

#include "stress/host/nightly/night_fixture.h"

namespace sigsweep {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(NightTest, EachPartIsToldOfAndStopsNoOther) {
  PartSpec unbuilt = part("unbuilt", kWork);
  unbuilt.needs = {{"asan", "some_program", ""}};
  PartSpec unknown = part("unknown", "");
  unknown.levels = {{0, {"/no/such/program"}}};
  PartSpec idle = part("idle", kWork);
  idle.input = folder_ + "/nothing";
  idle.idle = "there is nothing yet";
  const Ran ran = run({part("good", kWork), part("fails", "echo 'sigsweep: no disk' >&2; exit 3"),
                       unbuilt, unknown, part("lazy", "exit 0"), part("dies", "kill -SEGV $$"),
                       part("absent", "echo 'sigsweep: skipped: no engine'; exit 77"), idle,
                       part("last", kWork)});
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_THAT(statuses(), ElementsAre("good ok", "fails failed", "unbuilt not-built",
                                      "unknown not-built", "lazy failed", "dies failed",
                                      "absent skipped", "idle skipped", "last ok"));
  const std::string page = summary();
  EXPECT_THAT(page, StartsWith("FAILED: nothing was found that is not acknowledged; 2 of 9 parts "
                               "did their work, 5 failed, 2 skipped\n"));
  EXPECT_THAT(page, HasSubstr("pass   good"));
  EXPECT_THAT(page, HasSubstr("5 execs"));
  EXPECT_THAT(page, HasSubstr("no disk"));
  EXPECT_THAT(page, HasSubstr("target some_program of preset asan is to be built"));
  EXPECT_THAT(page, HasSubstr("/no/such/program: cannot be started"));
  EXPECT_THAT(page, HasSubstr("it did no work"));
  EXPECT_THAT(page, HasSubstr("died of signal 11"));
  EXPECT_THAT(page, HasSubstr("skipped: no engine"));
  EXPECT_THAT(page, HasSubstr("there is nothing yet"));
}

TEST_F(NightTest, ANightInWhichNoPartRanIsNoPass) {
  EXPECT_EQ(run({part("absent", "echo 'sigsweep: skipped: no engine'; exit 77")}).status, 77);
  EXPECT_THAT(summary(), StartsWith("skipped: nothing was found that is not acknowledged; 0 of 1"));
  EXPECT_EQ(rows("end").at(0)["status"], 77);
}

TEST_F(NightTest, ABenchmarksFileThatIsNotWholeIsNoResult) {
  EXPECT_EQ(run({part("cut",
                      "echo '{\"benchmarks\":[' >\"$(dirname \"$1\")/1.json\"; "
                      "echo '{\"benchmarks\":[{}]}' >\"$(dirname \"$1\")/2.json\"")})
                .status,
            0);
  EXPECT_EQ(rows("part").at(0)["results"], nlohmann::json::array({"cut/2.json"}));
  EXPECT_EQ(rows("part").at(0)["work"]["benchmarks"], 1);
}

TEST_F(NightTest, SucceedsIfEachPartDidItsWork) {
  EXPECT_EQ(run({part("one", kWork), part("two", kWork)}).status, 0);
  EXPECT_EQ(rows("end").at(0)["status"], 0);
  EXPECT_EQ(rows("night").back()["status"], 0);
  EXPECT_THAT(summary(), StartsWith("pass: "));
}

TEST_F(NightTest, FiguresOfNothingAreNotTold) {
  run({part("one", "echo '{\"kind\":\"campaign\",\"execs\":5,\"landed\":0}' >\"$1\"")});
  EXPECT_EQ(rows("part").at(0)["work"], (nlohmann::json{{"execs", 5}}));
}

constexpr const char* kFinding =
    R"(printf '%s\n' '{"kind":"finding","id":"0123456789abcdef","isa":"amd64","protocol":"p","site":"s",)"
    R"("handler":"h","phase":"stub/sp=a#3","verdict":"crash","detail":"it fell","schedule":)"
    R"("sigsweep schedule 1\nisa amd64\nprotocol p\nop s\ninject SIGPROF at f+0x7 phase=stub/sp=a#3 by=kill)"
    R"( handler=h\nexpect crash\n","known":KNOWN}' >>"$1"; )";

std::string finding(bool known) {
  std::string script = kFinding;
  return script.replace(script.find("KNOWN"), 5, known ? "true" : "false");
}

TEST_F(NightTest, AFindingIsStatusOneWithItsPlaceAndItsCommandInTheFirstLines) {
  const Ran ran = run({part("finds", finding(false) + kWork + "exit 1"), part("fails", "exit 3")});
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(summary(), StartsWith("FOUND: 1 fault was found that is not acknowledged"));
  EXPECT_THAT(summary(), ContainsRegex("\n1\\. crash at f\\+0x7, stub/sp=a\n"));
  EXPECT_THAT(summary(), ContainsRegex("replay .*/findings/0123456789abcdef.sched\n"));
  EXPECT_THAT(content(last_night() / "findings/0123456789abcdef.sched"), HasSubstr("op s\n"));
}

TEST_F(NightTest, WhatIsAcknowledgedIsShownAndDoesNotFail) {
  EXPECT_EQ(run({part("finds", finding(true) + kWork)}).status, 0);
  EXPECT_THAT(summary(), HasSubstr("known: 0123456789abcdef"));
}

TEST_F(NightTest, APartThatHangsIsEndedAtItsLimitWithAllThatItStarted) {
  PartSpec hangs = part("hangs", std::string(kWork) +
                                     "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ >inner; "
                                     "sleep 1000; :' & sleep 1000; :");
  hangs.levels[0].words[2] = "cd \"$2\"; " + hangs.levels[0].words[2];
  hangs.limit = hangs.patience = 0;
  hangs.limit = 2;
  const Ran ran = run({hangs, part("next", kWork)});
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_THAT(statuses(), ElementsAre("hangs hung", "next ok"));
  EXPECT_TRUE(is_gone(pid_of("inner")));
}

TEST_F(NightTest, HalvesRunSideBySideAndTheNextStageWaits) {
  const auto meets = [&](const std::string& name, const std::string& other) {
    PartSpec spec = part(name, std::string(kWork) + "cd \"$2\"; echo 1 >" + name + "; until [ -e " +
                                   other + " ]; do sleep 0.01; done; echo " + name + " >>order");
    spec.width = Width::half;
    return spec;
  };
  PartSpec last = part("last", std::string(kWork) + "echo last >>\"$2/order\"");
  last.stage = 1;
  EXPECT_EQ(run({meets("a", "b"), meets("b", "a"), last}).status, 0);
  EXPECT_THAT(file("order"), testing::EndsWith("last\n"));
}

TEST_F(NightTest, APartRunsItsCommandSeveralTimesAndTakesAFoldersPlace) {
  std::filesystem::create_directories(nights() / "fuzz/fresh");
  std::ofstream(nights() / "fuzz/fresh/new") << "1";
  std::filesystem::create_directories(nights() / "fuzz/used");
  std::ofstream(nights() / "fuzz/used/old") << "1";
  PartSpec spec = part("thrice", std::string(kWork) + "ls \"$2/nights/fuzz/used\" >>\"$2/seen\"");
  spec.seconds_each = 1;
  spec.least_runs = spec.most_runs = 3;
  spec.first = {"{kept}/fresh", "{kept}/used"};
  EXPECT_EQ(run({spec}).status, 0);
  EXPECT_EQ(file("seen"), "new\nnew\nnew\n");
  EXPECT_EQ(rows("part").at(0)["work"]["execs"], 15);
}

constexpr const char* kSomeWork = "echo '{\"kind\":\"campaign\",\"execs\":5}' >>\"$1\"; ";

// Parts that note when they run; the one called `blocks` waits for a file.
std::string noting(const std::string& name, const std::string& blocks) {
  std::string script = std::string("cd \"$2\"; ") + kSomeWork + "echo " + name + " >>ran; ";
  if (name == blocks)
    script +=
        "echo $$ >outer; [ -e go ] || { setsid sh -c 'echo $$ >inner; sleep 1000; :' & "
        "sleep 1000; }; ";
  return script;
}

TEST_F(NightTest, KilledInAnyPartItGoesOnWithThatPart) {
  for (const std::string blocks : {"a", "b", "c"}) {
    std::vector<PartSpec> parts;
    for (const std::string name : {"a", "b", "c"})
      parts.push_back(part(name, noting(name, blocks)));
    const pid_t pid = start(parts);
    wait_for("inner");
    kill(pid, SIGKILL);
    EXPECT_EQ(ended(pid).status, -1);
    wait_until([&] { return is_gone(pid_of("inner")) && is_gone(pid_of("outer")); });
    EXPECT_EQ(rows("end").size(), 0U);
    std::ofstream(folder_ + "/go") << "1";
    const Ran ran = run(parts, true);
    EXPECT_EQ(ran.status, 0) << ran.output;
    std::string expected;
    for (const std::string name : {"a", "b", "c"})
      expected += name + "\n" + (name == blocks ? name + "\n" : "");
    EXPECT_EQ(file("ran"), expected);
    EXPECT_THAT(statuses(), ElementsAre("a ok", "b ok", "c ok"));
    for (const auto& row : rows("part")) EXPECT_EQ(row["work"]["execs"], 5) << row;
    EXPECT_EQ(rows("end").size(), 1U);
    std::filesystem::remove_all(nights());
    for (const char* name : {"go", "ran", "inner", "outer"})
      std::filesystem::remove(folder_ + "/" + name);
  }
}

TEST_F(NightTest, GoesOnAfterARowThatWasCutShortAndBeforeTheLastRow) {
  const std::vector<PartSpec> parts{part("a", noting("a", "")), part("b", noting("b", ""))};
  EXPECT_EQ(run(parts).status, 0);
  const auto path = last_night() / kNightFile;
  const std::string whole = content(path);
  for (std::size_t length = whole.find("\"kind\":\"part\""); length < whole.size(); length += 7) {
    std::filesystem::resize_file(path, length);
    const Ran ran = run(parts, true);
    ASSERT_EQ(ran.status, 0) << length << ran.output;
    ASSERT_THAT(statuses(), ElementsAre("a ok", "b ok")) << length;
    ASSERT_EQ(rows("end").size(), 1U) << length;
    std::ofstream(path, std::ios::trunc | std::ios::binary) << whole;
  }
}

TEST_F(NightTest, StoppedItEndsWithinASecondAndCanGoOn) {
  const std::vector<PartSpec> parts{part("a", noting("a", "")), part("b", noting("b", "b"))};
  const pid_t pid = start(parts);
  wait_for("inner");
  const auto asked = std::chrono::steady_clock::now();
  kill(pid, SIGTERM);
  const Ran ran = ended(pid);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(20));  // a busy machine
  EXPECT_EQ(ran.status, 4) << ran.output;
  EXPECT_TRUE(is_gone(pid_of("inner")) && is_gone(pid_of("outer")));
  EXPECT_THAT(summary(), HasSubstr("1 are left; --resume goes on"));
  std::ofstream(folder_ + "/go") << "1";
  EXPECT_EQ(run(parts, true).status, 0);
  EXPECT_EQ(file("ran"), "a\nb\nb\n");
}

TEST_F(NightTest, ASecondNightInTheFolderIsRefused) {
  const std::vector<PartSpec> parts{part("b", noting("b", "b"))};
  const pid_t pid = start(parts);
  wait_for("inner");
  const auto before = last_night();
  std::filesystem::rename(folder_ + "/output", folder_ + "/output of the first");
  const Ran second = run(parts);
  EXPECT_EQ(second.status, 3);
  EXPECT_EQ(second.output, nights().string() +
                               ": another night is at work there; --out names "
                               "another place\n");
  EXPECT_EQ(last_night(), before);
  kill(pid, SIGTERM);
  EXPECT_EQ(ended(pid).status, 4);
}

TEST_F(NightTest, AFolderThatCannotBeWrittenIsAFailureOfTheHarness) {
  std::ofstream(nights()) << "a file, no folder";
  const Ran ran = run({part("a", kWork)});
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.output, HasSubstr(nights().string() + ": cannot be written: "));
}

// As on a full disk: no file can be longer than the night's is by then.
TEST_F(NightTest, ARowThatCannotBeWrittenEndsTheNightAndItCanGoOn) {
  const std::vector<PartSpec> parts{part("a", noting("a", "")), part("b", noting("b", ""))};
  EXPECT_EQ(run({}).status, 77);  // a night without parts
  const rlim_t first_rows = content(last_night() / kNightFile).find("\n{\"kind\":\"night\"", 1);
  const pid_t pid = start(parts, false, 3600, [&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit most{2 * first_rows, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &most);
  });
  const Ran ran = ended(pid);
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_THAT(ran.output, ContainsRegex("cannot (be )?written?: .*File too large"));
  const Ran later = run(parts, true);
  EXPECT_EQ(later.status, 0) << later.output;
  EXPECT_THAT(statuses(), ElementsAre("a ok", "b ok"));
}

TEST_F(NightTest, PartsThatHaveNoTimeAreToldOf) {
  const Ran ran = run({part("late", kWork)}, false, 5);  // less than the night's own reserve
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_THAT(statuses(), ElementsAre("late stopped"));
  EXPECT_THAT(summary(), HasSubstr("no time was left of the budget"));
}

TEST_F(NightTest, FindingsOfEarlierNightsAreKeptApart) {
  EXPECT_EQ(
      run({part("a", std::string(kWork) + "mkdir -p \"$2/nights/fuzz/t-afl/findings\"; echo 1 "
                                          ">\"$2/nights/fuzz/t-afl/findings/x\"")})
          .status,
      0);
  EXPECT_EQ(run({part("b", kWork)}).status, 0);
  EXPECT_TRUE(
      std::filesystem::exists(nights() / "earlier" / last_night().filename() / "t-afl/findings/x"));
  EXPECT_FALSE(std::filesystem::exists(nights() / "fuzz/t-afl/findings/x"));
}

TEST_F(NightTest, OfManyNewFindingsTheSummaryNamesAFew) {
  for (int i = 0; i < 200; i++) past_text_ += fmt::format("new          finding {}\n", i);
  past_text_ += "gone         finding 7\n";
  EXPECT_EQ(run({part("a", kWork)}).status, 0);
  const std::string page = summary();
  EXPECT_THAT(page, HasSubstr("new          and 192 more: sigsweep history compare"));
  EXPECT_THAT(page, HasSubstr("gone         finding 7\n"));
  EXPECT_EQ(page.find("finding 8\n"), page.npos);
}

// The guard of the process that was killed may still look for what that one has started.
TEST_F(NightTest, TheGuardOfAKilledNightEndsNothingOfTheNextProcess) {
  const std::vector<PartSpec> parts{
      part("long", "echo $$ >\"$2/begun\"; sleep 1; " + std::string(kWork))};
  pid_t night = start(parts);
  for (int i = 0; i < 5; i++) {
    wait_for("begun");
    std::filesystem::remove(folder_ + "/begun");
    kill(night, SIGKILL);
    const Ran killed = ended(night);
    ASSERT_EQ(killed.status, -1) << killed.output;
    night = start(parts, true);
  }
  const Ran last = ended(night);
  EXPECT_EQ(last.status, 0) << last.output;
  EXPECT_THAT(statuses(), testing::ElementsAre("long ok"));
}

TEST_F(NightTest, TheFloorIsTheMedianOfTheBareBreakpoints) {
  const char* const kRow = R"({"name":"BM_int3_floor/t","run_type":"%s","real_time":%s,)"
                           R"("time_unit":"ns"},)";
  const std::string rows = fmt::format(
      "{}{}{}{}", fmt::sprintf(kRow, "iteration", "1500"), fmt::sprintf(kRow, "iteration", "9000"),
      fmt::sprintf(kRow, "iteration", "1400"), fmt::sprintf(kRow, "aggregate", "77"));
  const std::string last = R"({"name":"BM_onM_floor/t","run_type":"iteration","real_time":7})";
  const Ran ran = run({part("bench", kWork + ("echo '{\"benchmarks\":[" + rows + last +
                                              "]}' >\"$(dirname \"$1\")/run.json\""))});
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(this->rows("night").back()["machine"]["floor_us"], 1.5);
  EXPECT_TRUE(this->rows("night").front()["machine"]["floor_us"].is_null()) << "of its first row";
}

}  // namespace
}  // namespace sigsweep
