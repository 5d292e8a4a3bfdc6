// `sigsweep campaign`: what it keeps, what it names, how it ends.
#include "stress/host/fuzz_fixture.h"

namespace sigsweep {
namespace {

const char* const kBothEngines[] = {"libfuzzer", "afl"};

using Campaign = Fuzz;

TEST_F(Campaign, BeginsWithTheSeedsAndKeepsWhatIsNew) {
  for (const std::string engine : kBothEngines) {
    fs::remove_all(out());
    const Ran ran = fuzz(campaign(engine) + " --json r.jsonl");
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_NE(ran.output.find("onm_fuzzer, " + engine + ", "), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find("100 execs"), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find("; 1 new in the corpus, 0 findings\n"), std::string::npos);
    EXPECT_EQ(content(out() + "/corpus/seed"), "seed");
    EXPECT_EQ(content(out() + "/plot_data").substr(0, 17), "# relative_time, ");
    const auto campaigns = rows(checkout() + "/r.jsonl", "campaign");
    ASSERT_EQ(campaigns.size(), 1U);
    EXPECT_EQ(campaigns[0]["execs"], 100);
    EXPECT_EQ(campaigns[0]["added"], 1);
    EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
  }
}

TEST_F(Campaign, FailsWhereNothingIsAddedUnlessThatIsExpected) {
  EXPECT_EQ(fuzz(campaign("libfuzzer")).status, 0);
  const Ran again = fuzz(campaign("libfuzzer"));
  EXPECT_EQ(again.status, 3);
  EXPECT_NE(again.output.find("nothing was added to the seeds"), std::string::npos);
  EXPECT_EQ(fuzz(campaign("libfuzzer") + " --expect work").status, 0);
}

TEST_F(Campaign, OfATargetWithoutSignalsTellsWhatItsInputsDid) {
  const Ran ran = fuzz(campaign("libfuzzer") + " --json r.jsonl", "FAKE_OBJECTS=7");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find(" a second; 7 objects; 1 new"), std::string::npos) << ran.output;
  EXPECT_EQ(rows(checkout() + "/r.jsonl", "campaign").at(0)["figures"]["objects"], 7);
  EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
  const Ran idle = fuzz(campaign("libfuzzer") + " --expect work", "FAKE_OBJECTS=0");
  EXPECT_EQ(idle.status, 3);
  EXPECT_NE(idle.output.find("no input did anything: 100 execs"), std::string::npos) << idle.output;
}

TEST_F(Campaign, ATargetThatIsBlindProvesNothing) {
  for (const std::string engine : kBothEngines) {
    fs::remove_all(out());
    const Ran sees = fuzz(campaign(engine));
    EXPECT_EQ(sees.status, 0);
    EXPECT_NE(sees.output.find("canary: a word, known to be bad: found: it sees\n"),
              std::string::npos)
        << sees.output;
    fs::remove_all(out());
    const Ran blind = fuzz(campaign(engine), "FAKE_CANARY=blind");
    EXPECT_EQ(blind.status, 3);
    EXPECT_NE(
        blind.output.find("canary: a word is known to be bad, and 9 random inputs did not stop "
                          "onm_fuzzer: the target is blind\n"),
        std::string::npos)
        << blind.output;
    const Ran none = fuzz(campaign(engine), "FAKE_CANARY=none");
    EXPECT_EQ(none.status, 0);
    EXPECT_NE(none.output.find("canary: none: nothing of onm_fuzzer is known to be bad\n"),
              std::string::npos)
        << none.output;
  }
}

// All that was found by one process that judges, and each cause once, by its smallest input.
TEST_F(Campaign, NamesEachCauseOnceByOneProcess) {
  for (const std::string engine : kBothEngines) {
    fs::remove_all(out());
    fs::remove(checkout() + "/log");
    const Ran ran = fuzz(campaign(engine) + " --json r.jsonl",
                         "FAKE_FINDS='bad a#2345,bad a#1,bad a#345,bad b#1'");
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_EQ(content(checkout() + "/log"), "4\n") << "inputs of each process that judged";
    EXPECT_NE(ran.output.find(", 4 findings\n"), std::string::npos) << ran.output;
    const auto found = rows(checkout() + "/r.jsonl", "found");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0]["cause"], "bad a");
    EXPECT_EQ(found[0]["inputs"], 3);
    EXPECT_EQ(content(found[0]["file"]), "text of bad a#1\n");
    EXPECT_EQ(found[1]["cause"], "bad b");
    EXPECT_EQ(readable(names(out() + "/findings")), 4U);
    EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
  }
}

TEST_F(Campaign, DeletesNoFindingOfAnEarlierRun) {
  for (const std::string engine : kBothEngines) {
    fs::remove_all(out());
    EXPECT_EQ(fuzz(campaign(engine), "FAKE_FINDS='bad a'").status, 1);
    const auto first = names(out() + "/findings");
    EXPECT_EQ(first.size(), 2U);
    EXPECT_EQ(fuzz(campaign(engine) + " --expect work", "FAKE_FINDS='bad b'").status, 1);
    const auto both = names(out() + "/findings");
    EXPECT_EQ(both.size(), 4U);
    for (const std::string& name : first) EXPECT_EQ(both.count(name), 1U) << name;
    EXPECT_EQ(fuzz(campaign(engine) + " --expect work").status, 0);
    EXPECT_EQ(names(out() + "/findings"), both);
    // What is found again is found.
    EXPECT_EQ(fuzz(campaign(engine) + " --expect work", "FAKE_FINDS='bad b'").status, 1);
    EXPECT_EQ(names(out() + "/findings"), both);
  }
}

TEST_F(Campaign, TellsApartWhatShowsNothingAlone) {
  const Ran ran = fuzz(campaign("libfuzzer"), "FAKE_FINDS='good'");
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.output.find("1 times a process died of what its last input does not show alone"),
            std::string::npos);
  EXPECT_TRUE(names(out() + "/findings").empty());
  EXPECT_EQ(names(out() + "/unshown").size(), 1U);
}

TEST_F(Campaign, AFailureOfTheHarnessIsNoFinding) {
  const Ran ran = fuzz(campaign("libfuzzer"), "FAKE_FINDS='fail: lost'");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find(".sched: it says fail: lost\n"), std::string::npos) << ran.output;
  EXPECT_TRUE(names(out() + "/findings").empty());
  EXPECT_EQ(names(out() + "/failures").size(), 2U) << "the input and its readable form";
  EXPECT_EQ(readable(names(out() + "/failures")), 1U);
  EXPECT_EQ(fuzz(campaign("libfuzzer") + " --expect work").status, 0) << "it is named once";
}

TEST_F(Campaign, StopsInEachPartAndKeepsWhatIsThere) {
  for (const std::string engine : kBothEngines) {
    for (const std::string part : {"canary", "inputs", "engine", "judge"}) {
      for (const int signal_number : {SIGINT, SIGTERM}) {
        fs::remove_all(out());
        const Ran ran =
            stopped(part, campaign(engine), signal_number, "FAKE_FINDS='bad a#1,bad a#2'");
        EXPECT_EQ(ran.status, 4) << engine << " " << part << ": " << ran.output;
        const auto kept = names(out() + "/findings");
        EXPECT_EQ(kept.size(), part == "judge" ? 3U : part == "engine" ? 2U : 0U) << engine << part;
      }
    }
  }
}

TEST_F(Campaign, NamesWhatAStoppedOneHasFound) {
  stopped("engine", campaign("afl"), SIGTERM, "FAKE_FINDS='bad a#1,bad a#2'");
  EXPECT_EQ(readable(names(out() + "/findings")), 0U);
  EXPECT_EQ(fuzz(campaign("libfuzzer")).status, 1);
  EXPECT_EQ(readable(names(out() + "/findings")), 2U);
}

TEST_F(Campaign, TakesOverWhatAKilledOneHasFound) {
  for (const std::string engine : kBothEngines) {
    fs::remove_all(out());
    const pid_t pid = start(campaign(engine), "FAKE_STALLS=engine FAKE_FINDS='bad a'");
    wait_for_a_stall();
    kill(pid, SIGKILL);
    ended(pid);
    end_what_stalls();
    EXPECT_EQ(fuzz(campaign(engine) + " --expect work").status, 1) << engine;
    EXPECT_EQ(names(out() + "/findings").size(), 2U) << engine;
  }
}

TEST_F(Campaign, TakesNoInputThatWasCutShort) {
  const Ran ran = fuzz(campaign("libfuzzer"), "FAKE_CUTS=1");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("1 inputs were cut short"), std::string::npos) << ran.output;
  for (const std::string& name : names(out() + "/corpus"))
    EXPECT_GT(fs::file_size(out() + "/corpus/" + name), 0U) << name;
}

TEST_F(Campaign, FailsWhereTheDiskIsFull) {
  if (run("unshare -rm true").status != 0) GTEST_SKIP() << "no mount namespace can be had here";
  const std::string command =
      "unshare -rm sh -c 'mkdir \"$1\" && mount -t tmpfs -o size=200k none \"$1\" && shift && "
      "(\"$@\"; echo status $?; find \"$OUT/corpus\" -size 0)' sh '" +
      out() + "' " + kBin + "/sigsweep " + campaign("libfuzzer");
  const Ran ran = run("cd '" + checkout() + "' && FAKE_FILLS=1 OUT='" + out() + "' " + command);
  EXPECT_NE(ran.output.find(": the disk is full\n"), std::string::npos) << ran.output;
  EXPECT_TRUE(ran.output.ends_with("\nstatus 3\n")) << "an empty input: " << ran.output;
}

TEST_F(Campaign, OfOneFolderIsOneAtATime) {
  const pid_t first = start(campaign("libfuzzer"), "FAKE_STALLS=engine");
  wait_for_a_stall();
  const Ran second =
      run("cd '" + checkout() + "' && " + kBin + "/sigsweep " + campaign("libfuzzer"));
  EXPECT_EQ(second.status, 3);
  EXPECT_NE(second.output.find("another campaign is at work there"), std::string::npos);
  kill(first, SIGTERM);
  EXPECT_EQ(ended(first).status, 4);
}

TEST_F(Campaign, FailsWithAReasonWithoutATemporaryFolder) {
  const Ran ran = fuzz(campaign("libfuzzer"), "TMPDIR=/nonexist");
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.output.find("/nonexist ($TMPDIR): No such file or directory"), std::string::npos)
      << ran.output;
}

TEST_F(Campaign, RefusesWhatItCantUse) {
  const auto refused = [this](const std::string& command, int status, const std::string& text) {
    const Ran ran = fuzz(command);
    EXPECT_EQ(ran.status, status) << command << ": " << ran.output;
    EXPECT_NE(ran.output.find(text), std::string::npos) << command << ": " << ran.output;
  };
  refused("campaign --engine honggfuzz --target onm_fuzzer", 2, "not in {libfuzzer,afl}");
  refused("campaign --engine afl --target om", 2, "unknown target: 'om' (allowed: adapter_fuzzer ");
  refused(campaign("libfuzzer") + " --duration 1h", 2, "--duration");
  refused(campaign("libfuzzer") + " --jobs 0", 2, "--jobs");
  refused(campaign("libfuzzer") + " --expect all", 2, "--expect");
  refused(campaign("afl") + " --isa 386", 2, "--isa 386: AFL++ is not there for it");
  refused(campaign("libfuzzer") + " --isa 386", 77, "onm_fuzzer: it is not built");
  refused("campaign --builds none --engine libfuzzer --target onm_fuzzer", 77, "it is not built");
  write("its file", "");
  refused("campaign --builds build --engine libfuzzer --target onm_fuzzer --out '" + folder_ +
              "/its file'",
          2, "/its file: cannot be written");
  fs::create_directories(out() + "/corpus");
  write("its results/corpus/large", std::string((1 << 20) + 1, 'x'));
  refused(campaign("libfuzzer"), 2, "large: larger than the 1048576 bytes");
  fs::remove(checkout() + "/bin/afl-fuzz");
  const Ran without =
      run("cd '" + checkout() + "' && PATH=\"$PWD/bin\" " + kBin + "/sigsweep " + campaign("afl"));
  EXPECT_EQ(without.status, 77) << without.output;
  EXPECT_NE(without.output.find("AFL++ is not installed"), std::string::npos);
}

TEST_F(Campaign, SaysWhatMustBeBuilt) {
  EXPECT_EQ(fuzz(campaign("libfuzzer") + " --needs").output, "fuzz onm_fuzzer\n");
  EXPECT_EQ(fuzz(campaign("afl") + " --needs").output, "afl onm_fuzzer afl_mutator\n");
  EXPECT_EQ(fuzz(campaign("libfuzzer") + " --isa 386 --needs").output, "fuzz fuzzers-386\n");
}

}  // namespace
}  // namespace sigsweep
