// Runs into a history: once each, whole or not at all.
#include <gmock/gmock.h>

#include "stress/host/history/history_fixture.h"

namespace sigsweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Import : public History {
 protected:
  StoredFinding finding(const std::string& id) {
    std::optional<StoredFinding> found;
    HistoryFile(file(), HistoryFile::For::reading).read([&](SQLite::Database& db) {
      found = finding_named(&db, id);
    });
    return found.value();
  }
  std::string run_file(const std::string& name, const std::string& shard,
                       const std::vector<ordered_json>& rows) {
    std::vector<ordered_json> all = {{{"kind", "run"},
                                      {"version", "0.1.0"},
                                      {"build", "b"},
                                      {"command", "sigsweep merge --json a"},
                                      {"isas", {"amd64"}},
                                      {"left_out", ordered_json::array()},
                                      {"seed", 1},
                                      {"shard", shard},
                                      {"selection", ""},
                                      {"started", "2026-11-01T05:00:00+02:00"},
                                      {"machine",
                                       {{"cpus", 2},
                                        {"kernel", "k"},
                                        {"cpu", "Some CPU"},
                                        {"least_signal_stack", 1},
                                        {"xcr0", "0x7"},
                                        {"microcode", ""},
                                        {"libc", "l"},
                                        {"mitigations", ordered_json::object()}}}}};
    all.insert(all.end(), rows.begin(), rows.end());
    return write(name, lines(all));
  }
};

TEST_F(Import, TheSameNightTwiceIsCountedOnce) {
  const std::string path = night("one", 1, {part("prove", {a_cell("a"), a_finding(kFound)})});
  EXPECT_EQ(import(path), Taken::fresh);
  EXPECT_EQ(import(path), Taken::was_there);
  EXPECT_EQ(number("SELECT count(*) FROM run"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 1);
  EXPECT_EQ(finding(kFound).count, 1);
}

TEST_F(Import, ANightThatWentOnTakesThePlaceOfWhatItWas) {
  import(night("one", 1, {part("prove", {a_cell("a"), a_finding(kFound)})}));
  EXPECT_EQ(import(night("one", 1, {part("prove", {a_cell("a"), a_cell("b")}), part("storm", {})})),
            Taken::anew);
  EXPECT_EQ(number("SELECT count(*) FROM run"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM part"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM finding"), 0) << "no run shows it";
}

TEST_F(Import, OfRowsThatWereWrittenAnewTheLastCounts) {
  const std::string path = night("one", 1, {part("prove", {}, "failed"), part("prove", {}, "ok")});
  import(path);
  EXPECT_EQ(number("SELECT count(*) FROM part WHERE status = 'ok'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM part"), 1);
}

TEST_F(Import, AFindingKnowsWhenItWasSeenAndByWhichBuilds) {
  import(night("c", 9, {part("prove", {a_finding(kFound, true)})}));
  import(night("a", 2, {part("prove", {a_finding(kFound)}), part("sweep", {a_finding(kFound)})}));
  import(night("b", 5, {part("prove", {a_cell("a")})}));
  const StoredFinding f = finding("0123");
  EXPECT_EQ(f.id, kFound);
  EXPECT_EQ(f.first_seen, "2026-11-02T03:00:00Z");
  EXPECT_EQ(f.first_build, "build of a");
  EXPECT_EQ(f.last_seen, "2026-11-09T03:00:00Z");
  EXPECT_EQ(f.last_build, "build of c");
  EXPECT_EQ(f.count, 2);
  EXPECT_TRUE(f.known) << "it was acknowledged meanwhile";
}

TEST_F(Import, AMutantKeepsWhatKilledItOrWhyNothingCan) {
  const auto mutant = [](const char* id, ordered_json more) {
    ordered_json row = {{"kind", "mutant"}, {"isa", "386"}, {"id", id}, {"symbol", "gogo"}};
    row["seconds"] = 0.5;
    row.update(more);
    return row;
  };
  import(night("one", 1,
               {part("mutants-386", {mutant("gogo+0x0:dropped:1", {{"stage", "contracts"},
                                                                   { "by",
                                                                     "claim 0: g" }}),
                                     mutant("gogo+0x3:dropped:1",
                                            {{ "rule",
                                               "same-condition" }}),
                                     mutant("gogo+0x6:dropped:1", ordered_json::object())})}));
  EXPECT_EQ(number("SELECT count(*) FROM mutant WHERE isa = '386' AND symbol = 'gogo'"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM mutant WHERE change = 'gogo+0x0:dropped:1' AND "
                   "killed_by = 'contracts: claim 0: g' AND equivalent = ''"),
            1);
  EXPECT_EQ(number("SELECT count(*) FROM mutant WHERE equivalent = 'same-condition'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM mutant WHERE killed_by = '' AND equivalent = ''"), 1)
      << "it survived";
}

TEST_F(Import, AGroupTellsOfAllItsIdsAndKeepsTheSchedulesText) {
  const std::string schedule = write("x.sched", "sigsweep schedule 1\nisa amd64\n");
  const ordered_json group = {{"kind", "group"},
                              {"id", "0000000000000001"},
                              {"ids", {"0000000000000001", "0000000000000002"}},
                              {"protocol", "reject"},
                              {"site", "gc_m"},
                              {"phase", "caller"},
                              {"verdict", "crash"},
                              {"places", {"a+0x1"}},
                              {"why", ""},
                              {"files", {schedule}},
                              {"schedule", schedule},
                              {"times", 1},
                              {"again", 1},
                              {"draft", ""},
                              {"known", false}};
  import(night("one", 1, {part("triage", {group})}));
  EXPECT_EQ(finding("0000000000000001").schedule, "sigsweep schedule 1\nisa amd64\n");
  EXPECT_EQ(finding("0000000000000002").verdict, "crash");
}

TEST_F(Import, WhatATargetAloneSaysIsAFindingOfItsOwn) {
  ordered_json group = {{"kind", "group"},
                        {"id", ""},
                        {"ids", ordered_json::array()},
                        {"protocol", ""},
                        {"site", ""},
                        {"phase", ""},
                        {"verdict", ""},
                        {"places", ordered_json::array()},
                        {"why", "differs from the model"},
                        {"files", {"a"}},
                        {"schedule", "a"},
                        {"times", 0},
                        {"again", 0},
                        {"draft", ""},
                        {"known", false}};
  import(night("one", 1, {part("triage", {group})}));
  import(night("two", 2, {part("triage", {group})}));
  EXPECT_EQ(number("SELECT count(*) FROM finding"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM sighting"), 2);
}

TEST_F(Import, AMergedSweepIsARunAndItsTimeIsInUtc) {
  const std::string path =
      run_file("merged.jsonl", "", {a_cell("a"), {{"kind", "end"}, {"cells", 1}, {"status", 0}}});
  EXPECT_EQ(import(path), Taken::fresh);
  EXPECT_EQ(import(path), Taken::was_there);
  EXPECT_EQ(
      number("SELECT count(*) FROM run WHERE what = 'merge' AND started = '2026-11-01T03:00:00Z' "
             "AND status = 0"),
      1);
  EXPECT_EQ(number("SELECT count(*) FROM machine WHERE features = 'xcr0=0x7'"), 1);
}

TEST_F(Import, ABenchmarksFileIsARunOfItsOwn) {
  const ordered_json row = {
      {"run_name", "BM_a/manual_time"}, {"run_type", "iteration"}, {"repetitions", 1},
      {"repetition_index", 0},          {"real_time", 5.0},        {"time_unit", "ns"}};
  const std::string path = write("b.json", ordered_json{{"context",
                                                         {{"date", "2026-11-01T03:00:00+00:00"},
                                                          {"isa", "amd64"},
                                                          {"cpu", "Some CPU"},
                                                          {"build", "b"},
                                                          {"features", "xcr0=0x7\nmicrocode=1"}}},
                                                        {"benchmarks", {row}}}
                                               .dump());
  EXPECT_EQ(import(path), Taken::fresh);
  EXPECT_EQ(import(path), Taken::was_there);
  const PastRun run = read_run(path);
  EXPECT_EQ(run.what, "bench");
  EXPECT_EQ(run.machine.processor, "Some CPU");
  EXPECT_THAT(run.machine.features, ElementsAre("xcr0=0x7", "microcode=1"));
  EXPECT_EQ(number("SELECT count(*) FROM benchmark WHERE name = 'BM_a' AND ns = 5.0"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM run WHERE started = '2026-11-01T03:00:00Z'"), 1);
}

TEST_F(Import, OneShardIsNoRun) {
  const std::string path = run_file("shard.jsonl", "1/2", {a_cell("a")});
  EXPECT_EQ(refused([&] { read_run(path); }),
            "2: " + path +
                ": is shard 1/2 of a sweep; `sigsweep merge` makes one file of all shards, "
                "which can be taken");
}

TEST_F(Import, ALineThatWasCutShortIsSaidAndLeftOut) {
  const std::string path = run_file("r.jsonl", "", {a_cell("a")});
  std::ofstream(path, std::ios::app) << R"({"kind":"cell","isa":"am)";
  const PastRun run = read_run(path);
  EXPECT_THAT(run.notes, ElementsAre(path + ":3:1: the last line was cut short; it is left out"));
  EXPECT_FALSE(run.status.has_value()) << "it did not come to its end";
}

TEST_F(Import, AWrongRowIsNamedAndNothingOfTheRunIsTaken) {
  ordered_json wrong = a_cell("b");
  wrong["trials"] = "many";
  const std::string path = night("one", 1, {part("prove", {a_cell("a"), wrong})});
  EXPECT_EQ(
      refused([&] { import(path); }).find("2: " + path + "/prove.jsonl:2:1: `trials` is \"many\""),
      0U);
  EXPECT_EQ(number("SELECT count(*) FROM run"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 0);
}

TEST_F(Import, AFileThatAPartNamesAndThatIsGoneIsSaid) {
  const std::string path = night("one", 1, {part("prove", {a_cell("a")})});
  std::filesystem::remove(path + "/prove.jsonl");
  EXPECT_THAT(read_run(path).notes,
              ElementsAre(path + "/prove.jsonl: part prove names it, and it is not there"));
}

TEST_F(Import, NightsAndRunsAreFoundInAFolder) {
  night("nights/b", 1, {part("prove", {a_cell("a")})});
  night("nights/a", 1, {part("prove", {a_cell("a")})});
  run_file("nights/r.jsonl", "", {});
  write("nights/text.txt", "");
  std::vector<std::string> found;
  for (const RunPlace& place : run_places({folder_ + "/nights"}))
    found.push_back(place.path.filename());
  EXPECT_THAT(found, ElementsAre("a", "b", "r.jsonl")) << "a night's own files are no runs";
  EXPECT_THAT(refused([&] { run_places({folder_ + "/none"}); }), HasSubstr("2: "));
}

}  // namespace
}  // namespace sigsweep
