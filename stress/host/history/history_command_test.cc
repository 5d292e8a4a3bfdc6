// `sigsweep history` as it is called: pages, rows, exit statuses, and what the machine may refuse.
#include <gmock/gmock.h>

#include "stress/host/command_fixture.h"
#include "stress/host/commands/history.h"
#include "stress/host/history/history_fixture.h"

namespace sigsweep {
namespace {

using testing::HasSubstr;

class HistoryCommand : public History {
 protected:
  Ran history(const std::string& arguments) {
    return run("cd " + folder_ + " && " + kBin + "/sigsweep history " + arguments);
  }
  // With its rows in r.jsonl, which must be as the schema says.
  Ran with_rows(const std::string& arguments) {
    Ran ran = history(arguments + " --json r.jsonl");
    const Ran valid =
        run("/usr/bin/python3 " + kSource + "/results/validate.py " + folder_ + "/r.jsonl");
    EXPECT_EQ(valid.status, 0) << valid.output;
    return ran;
  }
  std::vector<json> rows(const std::string& kind) {
    std::vector<json> found;
    std::ifstream in(folder_ + "/r.jsonl");
    for (std::string line; std::getline(in, line);) {
      json row = json::parse(line);
      if (row["kind"] == kind) found.push_back(row);
    }
    return found;
  }
  void two_nights() {
    night("nights/a", 1, {part("prove", {a_cell("scavenge_m"), a_claim(4, true)})});
    night("nights/b", 2,
          {part("prove", {a_cell("scavenge_m"), a_claim(4, false), a_finding(kFound)}, "finding")});
  }
};

TEST_F(HistoryCommand, ImportsANightOnceAndListsIt) {
  two_nights();
  const Ran first = with_rows("import nights");
  EXPECT_EQ(first.status, 0) << first.output;
  ASSERT_EQ(rows("imported").size(), 2U);
  EXPECT_EQ(rows("imported")[0]["taken"], "new");
  EXPECT_TRUE(fs::exists(folder_ + "/results/history.sqlite"));
  EXPECT_EQ(with_rows("import nights").status, 0);
  EXPECT_EQ(rows("imported")[1]["taken"], "was there");
  const Ran listed = with_rows("list");
  EXPECT_EQ(listed.status, 0);
  EXPECT_THAT(listed.output,
              HasSubstr("status 0; 1 part, 1 claim, 1 cell, 10 trials, 1 finding\n"));
  ASSERT_EQ(rows("past_run").size(), 2U);
  EXPECT_EQ(rows("past_run")[1]["findings"], 1);
}

TEST_F(HistoryCommand, ShowsANightAndAFinding) {
  two_nights();
  history("import nights");
  const Ran night = with_rows("show last");
  EXPECT_EQ(night.status, 0) << night.output;
  EXPECT_THAT(night.output, HasSubstr("  finding   prove"));
  EXPECT_THAT(night.output, HasSubstr("10 trials"));
  EXPECT_EQ(rows("part").size(), 1U);
  EXPECT_EQ(rows("past_finding").size(), 1U);
  const Ran finding = with_rows("show 0123456");
  EXPECT_EQ(finding.status, 0) << finding.output;
  EXPECT_THAT(finding.output,
              HasSubstr("first seen 2026-11-02T03:00:00Z, build build of nights/b"));
  EXPECT_THAT(finding.output, HasSubstr("sigsweep schedule 1\n"));
  EXPECT_EQ(history("show nothing").status, 2);
}

// The page of a night tells what is new in that night, whatever came later.
TEST_F(HistoryCommand, APageComparesTheNightThatItShows) {
  two_nights();
  night("nights/c", 3, {part("prove", {a_cell("scavenge_m"), a_claim(4, true)})});
  history("import nights");
  const auto page = [&](const std::string& paths) {
    const Ran made = run("cd " + folder_ + " && " + kBin + "/sigsweep report " + paths +
                         " results/history.sqlite --html p.html");
    EXPECT_EQ(made.status, 0) << made.output;
    const std::string html = content_of(folder_ + "/p.html");
    const std::string begin = R"(id="data">)";
    const std::size_t from = html.find(begin) + begin.size();
    return json::parse(html.substr(from, html.find("</script>", from) - from));
  };
  const json of_b = page("nights/b");
  EXPECT_EQ(of_b["history"]["night"], "nights/b");
  EXPECT_EQ(of_b["history"]["before"], "nights/a");
  EXPECT_EQ(of_b["history"]["later"], 1);
  EXPECT_EQ(of_b["kinds"]["contrasted"][0]["sums"]["new"], 2);
  EXPECT_EQ(of_b["kinds"]["past_run"].size(), 2U);
  EXPECT_EQ(of_b["kinds"]["finding"][0]["first_seen"], "2026-11-02T03:00:00Z");
  const json of_a = page("nights/a");
  EXPECT_EQ(of_a["history"]["before"], "");
  EXPECT_FALSE(of_a["kinds"].contains("contrasted"));
  EXPECT_EQ(page("")["history"]["night"], "nights/c");
}

TEST_F(HistoryCommand, ComparesAndEndsWithOneIfSomethingIsNew) {
  two_nights();
  history("import nights");
  const Ran worse = with_rows("compare nights/a nights/b");
  EXPECT_EQ(worse.status, 1) << worse.output;
  EXPECT_THAT(worse.output,
              HasSubstr(": 2 new, 0 gone, 0 slower, 0 not run, 0 did no work, 0 ratios judged\n"));
  EXPECT_EQ(rows("contrasted")[0]["sums"]["new"], 2);
  ASSERT_EQ(rows("contrast").size(), 2U);
  EXPECT_EQ(rows("contrast")[0]["name"], kFound);
  EXPECT_EQ(rows("end")[0]["status"], 1);
  const Ran mended = with_rows("compare last last~1");
  EXPECT_EQ(mended.status, 0) << mended.output;
  EXPECT_EQ(rows("contrasted")[0]["sums"]["gone"], 2);
}

TEST_F(HistoryCommand, CleansAndPrintsTheRuleAndWhatGoes) {
  two_nights();
  history("import nights");
  SQLite::Database(folder_ + "/results/history.sqlite", SQLite::OPEN_READWRITE)
      .exec("UPDATE run SET started = '2020-01-01T00:00:00Z' WHERE id = 'nights/a'");
  const Ran ran = with_rows("clean --keep 1000w");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output,
              HasSubstr("runs that began more than 7000 days ago go, with their logs and "
                        "corpora; findings stay\n0 runs gone\n"));
  const Ran gone = with_rows("clean --keep 52w");
  EXPECT_THAT(gone.output, HasSubstr("gone  nights/a"));
  EXPECT_THAT(gone.output, HasSubstr("1 run gone\n"));
  EXPECT_EQ(rows("cleaned")[0]["files"], 3);
  EXPECT_EQ(history("clean --keep soon").status, 2);
}

TEST_F(HistoryCommand, PassesOverWhatIsNoRunInAFolderAndRefusesItByName) {
  two_nights();
  write("nights/other.json", "{}");
  const Ran ran = history("import nights");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("passed over: nights/other.json: no JSON of `sigsweep bench`"));
  EXPECT_EQ(history("import nights/other.json").status, 2);
  fs::create_directory(folder_ + "/empty");
  const Ran empty = history("import empty");
  EXPECT_EQ(empty.status, 2);
  EXPECT_THAT(empty.output, HasSubstr("sigsweep: empty: there is no run in it\n"));
}

TEST_F(HistoryCommand, SaysThatThereIsNoHistoryYet) {
  const Ran ran = history("list");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.output,
            "sigsweep: results/history.sqlite: there is no history yet; `sigsweep history "
            "import` begins it\n");
  EXPECT_FALSE(fs::exists(folder_ + "/results")) << "a reader makes nothing";
}

// So that its times can be held against those of a night.
TEST_F(HistoryCommand, BenchTellsItsMachineAsANightDoes) {
  const Ran bench = run("cd " + folder_ + " && " + kBin +
                        "/sigsweep bench --benchmark_filter=BM_int3_floor "
                        "--benchmark_min_time=0.001 --benchmark_out=b.json");
  ASSERT_EQ(bench.status, 0) << bench.output;
  const PastRun run = read_run(folder_ + "/b.json");
  EXPECT_EQ(run.machine.processor, night_machine(machine()).processor);
  EXPECT_EQ(run.machine.features, night_machine(machine()).features);
  EXPECT_FALSE(run.machine.features.empty());
  EXPECT_EQ(with_rows("import b.json").status, 0);
  EXPECT_EQ(rows("imported")[0]["what"], "bench");
  EXPECT_EQ(with_rows("list").status, 0);
  EXPECT_EQ(rows("past_run")[0]["benchmarks"], 1);
}

TEST_F(HistoryCommand, ANightIsTakenAndHeldAgainstTheNightBeforeIt) {
  two_nights();
  night("nights/c", 3, {part("prove", {a_cell("scavenge_m"), a_claim(4, true)})});
  const auto taken = [&](const char* name) {
    return take_night(folder_ + "/nights/" + name, folder_ + "/h.sqlite");
  };
  EXPECT_EQ(taken("a"), "nights/a is the first night of " + folder_ + "/h.sqlite\n");
  EXPECT_THAT(taken("c"), HasSubstr("against nights/a (2026-11-01T03:00:00Z): 0 new, 0 gone"));
  EXPECT_THAT(taken("b"), HasSubstr("against nights/a (2026-11-01T03:00:00Z): 2 new, 0 gone"));
  EXPECT_THAT(taken("c"), HasSubstr("against nights/b (2026-11-02T03:00:00Z): 0 new, 2 gone"));
}

// A file system of its own at `small`, and the command there; "status N" at the end.
class HistoryWithoutRoom : public HistoryCommand {
 protected:
  void SetUp() override {
    if (run("unshare -rm true").status != 0) GTEST_SKIP() << "no mount namespace can be had here";
    two_nights();
    fs::create_directory(folder_ + "/small");
  }
  Ran there(const std::string& script) {
    return run("cd " + folder_ +
               " && unshare -rm sh -c 'mount -t tmpfs -o size=300k none small && " + script +
               "' sh " + kBin + "/sigsweep");
  }
};

TEST_F(HistoryWithoutRoom, AFullDiskIsOneLineAndOldDataIsUntouched) {
  const Ran ran = there(
      "\"$1\" history import --history small/h nights/a && cp small/h before && "
      "head -c 1000000 /dev/zero >small/rest; "
      "\"$1\" history import --history small/h nights/b; echo status $?; "
      "cmp small/h before && echo untouched");
  EXPECT_THAT(ran.output, HasSubstr("\nsigsweep: small/h: the disk is full. Nothing in it was "
                                    "changed\nstatus 3\nuntouched\n"));
}

TEST_F(HistoryWithoutRoom, AFolderThatCanOnlyBeReadIsReadAndNotWritten) {
  const Ran ran = there(
      "\"$1\" history import --history small/h nights/a && mount -o remount,ro none small && "
      "\"$1\" history import --history small/h nights/b; echo status $?; "
      "\"$1\" history list --history small/h; echo status $?; "
      "\"$1\" history import --history small/new nights/b; echo status $?");
  EXPECT_THAT(ran.output,
              HasSubstr("\nsigsweep: small/h: cannot be written: the file, or its folder, can "
                        "only be read. Nothing in it was changed\nstatus 3\n"));
  EXPECT_THAT(ran.output, testing::Not(HasSubstr("1 finding\n")));
  EXPECT_THAT(ran.output, HasSubstr("0 findings\nstatus 0\n"));
  EXPECT_THAT(ran.output, HasSubstr("\nsigsweep: small/new: cannot be written"));
}

}  // namespace
}  // namespace sigsweep
