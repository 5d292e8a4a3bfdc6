// `sigsweep triage`: what makes one line, and what its status is. By a target that does what its
// inputs say; schedules are replayed by the machine's own runner.
#include "stress/host/fuzz_fixture.h"

namespace sigsweep {
namespace {

class Triage : public Fuzz {
 protected:
  Triage() {
    for (const std::string folder : {"", "/../failures"})
      fs::create_directories(findings() + folder);
  }
  std::string findings() const { return folder_ + "/found here/onm_fuzzer-libfuzzer/findings"; }
  Ran triage(const std::string& environment = "", const std::string& more = "") const {
    return fuzz("triage --builds build --times 3 --json r.jsonl --out '" + out() + "' '" + folder_ +
                    "/found here' " + more,
                environment);
  }
  std::vector<json> groups() const { return rows(checkout() + "/r.jsonl", "group"); }
  // A copy of what corpus/ keeps, with another operation before its own, or another text.
  void add(const std::string& kept, const std::string& name, const std::string& from = "",
           const std::string& to = "") const {
    std::string text = content(kSource + "/corpus/" + kept);
    if (!from.empty()) {
      ASSERT_NE(text.find(from), std::string::npos) << kept;
      text.replace(text.find(from), from.size(), to);
    }
    std::ofstream(findings() + "/" + name) << text;
  }
};

// Beside one of the built-in subject's.
TEST_F(Triage, OfAnAdapterReplaysWithTheTargets) {
  SIGSWEEP_NEEDS_CLANGS_PHASES();
  std::ofstream(findings() + "/theirs.sched") << kFaultySchedule;
  add("hazards/argument-s0.sched", "ours.sched");
  const Ran ran = triage(faulty_adapter());
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_EQ(groups().size(), 2U) << ran.output;
  EXPECT_NE(ran.output.find("state-leak"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("arg-clobbered"), std::string::npos) << ran.output;
}

TEST_F(Triage, OfNothingFindsNothing) {
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.output.find("0 schedules, nothing was found\n"), std::string::npos);
  EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
}

TEST_F(Triage, MakesOneLineOfOneCauseWithItsPlaces) {
  add("hazards/argument-s0.sched", "one.sched");
  add("hazards/argument-s0.sched", "longer.sched", "\nop ", "\nop gc_m\nop ");
  // Another boundary of a phase that has several: the same cause at another place.
  add("hazards/argument-s0.sched", "first.sched",
      "onM+0x47 phase=stub.switched/g=g0/sp=curg/live=s0#1",
      "onM+0x1 phase=stub/g=curg/sp=curg/live=s0#1");
  add("hazards/argument-s0.sched", "second.sched",
      "onM+0x47 phase=stub.switched/g=g0/sp=curg/live=s0#1",
      "onM+0x1 phase=stub/g=curg/sp=curg/live=s0#2");
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("4 schedules, 2 findings, 0 that show nothing here\n"),
            std::string::npos)
      << ran.output;
  ASSERT_EQ(groups().size(), 2U);
  const json one_place = groups()[0], group = groups()[1];
  EXPECT_EQ(group["protocol"], "signalok_raw");
  EXPECT_EQ(group["verdict"], "arg-clobbered");
  EXPECT_EQ(group["files"].size(), 2U);
  EXPECT_EQ(group["places"].size(), 2U);
  EXPECT_EQ(group["phase"], "stub/g=curg/sp=curg/live=s0");
  EXPECT_EQ(one_place["files"].size(), 2U);
  EXPECT_EQ(one_place["places"].size(), 1U);
  EXPECT_EQ(group["again"], 3);
  for (const std::string place : group["places"])
    EXPECT_NE(ran.output.find(place), std::string::npos) << place;
  const std::string smallest = content(one_place["schedule"]);
  EXPECT_EQ(smallest.find("op ", smallest.find("\nop ") + 2), std::string::npos) << smallest;
  EXPECT_NE(content(group["draft"]).find("# finding " + group["id"].get<std::string>()),
            std::string::npos);
  EXPECT_NE(ran.output.find("; in gdb: gdb "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find(" --walk '" + one_place["schedule"].get<std::string>() + "'"),
            std::string::npos)
      << "a command for a shell: " << ran.output;
  EXPECT_EQ(content(out() + "/summary.txt"), ran.output.substr(ran.output.find("4 schedules")));
  EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
}

TEST_F(Triage, OfWhatIsAcknowledgedIsAPassUntilItsDate) {
  add("hazards/argument-s0.sched", "one.sched");
  EXPECT_EQ(triage().status, 1);
  const std::string id = groups().at(0)["id"];
  write("a checkout/corpus/known.txt", id + " 2999-12-31 on purpose\n");
  const Ran known = triage();
  EXPECT_EQ(known.status, 0) << known.output;
  EXPECT_NE(known.output.find("(acknowledged: on purpose)"), std::string::npos) << known.output;
  EXPECT_EQ(groups().at(0)["known"], true);
  write("a checkout/corpus/known.txt", id + " 2001-12-31 on purpose\n");
  EXPECT_EQ(triage().status, 1);
  write("a checkout/corpus/known.txt", "nonsense\n");
  EXPECT_EQ(triage().status, 2);
}

TEST_F(Triage, PutsAwayWhatIsGoneWhereAFolderForItIsGiven) {
  add("regressions/saved-while-live.sched", "sound.sched");
  add("hazards/argument-s0.sched", "there.sched");
  write("found here/onm_fuzzer-libfuzzer/findings/none.sched", "nonsense\n");
  const std::string away = folder_ + "/gone/onm_fuzzer-libfuzzer/findings/";
  const std::string gone = "--gone '" + folder_ + "/gone'";
  const Ran ran = triage("", gone);
  EXPECT_EQ(ran.status, 1) << "one is still there: " << ran.output;
  EXPECT_NE(ran.output.find("gone  "), std::string::npos) << ran.output;
  for (const char* name : {"sound.sched", "none.sched"}) {
    EXPECT_TRUE(fs::exists(away + name)) << name;
    EXPECT_FALSE(fs::exists(findings() + "/" + name)) << name;
  }
  EXPECT_FALSE(fs::exists(away + "there.sched")) << "it shows what it has shown";
  EXPECT_TRUE(fs::exists(findings() + "/there.sched"));
  fs::remove(findings() + "/there.sched");
  EXPECT_EQ(triage("", gone).status, 0) << "what is gone is not asked again";
}

TEST_F(Triage, NamesWhatShowsNothingWithAReason) {
  add("regressions/saved-while-live.sched", "sound.sched");
  write("found here/onm_fuzzer-libfuzzer/findings/none.sched", "nonsense\n");
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("2 schedules, 0 findings, 2 that show nothing here\n"),
            std::string::npos)
      << ran.output;
  EXPECT_NE(ran.output.find("none.sched:1:1: "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("sound.sched:1:1: its verdict is ok; "), std::string::npos)
      << ran.output;
}

// By the folder that a campaign has put it into, whatever is written in it.
TEST_F(Triage, AFailureOfTheHarnessIsOne) {
  const auto failure = [](const std::string& file) {
    return "harness failure, whatever its schedule shows  .*/failures/" + file;
  };
  const std::string folder = "found here/onm_fuzzer-libfuzzer/failures/";
  add("hazards/argument-s0.sched", "../failures/lost.sched", "\nop ",
      "\norigin onm_fuzzer: it\nop ");
  write(folder + "crash-1", "bad");
  write(folder + "crash-1.txt", "bad");
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 3) << ran.output;
  for (const std::string line : {"lost\\.sched: onm_fuzzer: it\n", "crash-1\\.txt\n"})
    EXPECT_TRUE(std::regex_search(ran.output, std::regex(failure(line)))) << ran.output;
  EXPECT_NE(ran.output.find("1 schedules, 1 findings, 0 that show nothing here\n"),
            std::string::npos)
      << ran.output;
}

// Earlier campaigns put them among the findings, and named them in `origin` alone, which is prose.
TEST_F(Triage, OfAnEarlierCampaignsFailureTellsWhatItShows) {
  const std::string origin = "\norigin onm_fuzzer: harness failure: lost\nop ";
  add("hazards/argument-s0.sched", "shows.sched", "\nop ", origin);
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_EQ(groups().size(), 1U) << ran.output;
  // Its target is asked where it expects no verdict to stop at.
  add("regressions/saved-while-live.sched", "lost.sched", "\nop ", origin);
  const Ran both = triage();
  EXPECT_EQ(both.status, 3) << both.output;
  EXPECT_EQ(content(checkout() + "/log"), "1\n1\n") << "both builds";
  EXPECT_NE(both.output.find("lost.sched:1:1: its verdict is ok; "), std::string::npos)
      << both.output;
}

// What a trial does not show: as text, as an input that has none yet, and as a schedule whose
// expected verdict is none to stop at. One process is asked for all of them.
TEST_F(Triage, AsksTheTargetForWhatATrialDoesNotShow) {
  const std::string folder = "found here/onm_fuzzer-libfuzzer/findings/";
  write(folder + "crash-1", "bad a#1");
  write(folder + "crash-1.txt", "bad a#1");
  write(folder + "crash-2", "bad a#2");
  write(folder + "crash-3", "good");
  write(folder + "crash-3.txt", "good");
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("by its target  1 files, such as "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find(": onm_fuzzer: it says bad a#2\n"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("/crash-3.txt: onm_fuzzer does not stop at it\n"), std::string::npos);
  EXPECT_EQ(content(checkout() + "/log"), "3\n1\n") << "the afl build is asked for what is left";
}

// A hunt's finding: no target stops at it without the hunt's variable. It is not gone.
TEST_F(Triage, ReplaysAnInputThatItsTargetDoesNotStopAt) {
  add("hazards/argument-s0.sched", "crash-1");
  const Ran ran = triage("", "--gone '" + folder_ + "/gone'");
  EXPECT_EQ(ran.status, 1) << ran.output;
  ASSERT_EQ(groups().size(), 1U) << ran.output;
  EXPECT_EQ(groups()[0]["verdict"], "arg-clobbered");
  EXPECT_TRUE(fs::exists(findings() + "/crash-1"));
  EXPECT_FALSE(fs::exists(folder_ + "/gone"));
}

TEST_F(Triage, DoesNotPassWhatItsTargetCantBeAsked) {
  write("found here/onm_fuzzer-libfuzzer/findings/crash-1.txt", "bad");
  fs::remove_all(checkout() + "/build");
  const Ran ran = triage();
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("could not be asked: it is not built"), std::string::npos);
  fs::rename(folder_ + "/found here/onm_fuzzer-libfuzzer", folder_ + "/found here/other");
  const Ran unknown = triage();
  EXPECT_EQ(unknown.status, 1) << unknown.output;
  EXPECT_NE(unknown.output.find("no schedule  "), std::string::npos) << unknown.output;
}

TEST_F(Triage, DeletesNothingOfAnEarlierOne) {
  add("hazards/argument-s0.sched", "one.sched");
  EXPECT_EQ(triage().status, 1);
  const std::string first = fs::path(groups().at(0)["schedule"].get<std::string>()).filename();
  fs::remove(findings() + "/one.sched");
  add("hazards/result-p0.sched", "two.sched");
  EXPECT_EQ(triage().status, 1);
  EXPECT_FALSE(fs::exists(out() + "/" + first));
  EXPECT_TRUE(fs::exists(out() + "/earlier/" + first));
}

TEST_F(Triage, StopsInEachPart) {
  write("found here/onm_fuzzer-libfuzzer/findings/crash-1.txt", "bad");
  for (const int signal_number : {SIGINT, SIGTERM}) {
    const Ran ran =
        stopped("judge", "triage --builds build --out '" + out() + "' '" + folder_ + "/found here'",
                signal_number);
    EXPECT_EQ(ran.status, 4) << ran.output;
    EXPECT_NE(content(out() + "/summary.txt").find("stopped"), std::string::npos);
  }
  // In replays, of which there are so many that it must be in one.
  add("hazards/argument-s0.sched", "one.sched");
  fs::remove_all(out());
  const pid_t pid = start(
      "triage --builds build --times 999999 --out '" + out() + "' '" + findings() + "/one.sched'",
      "");
  while (names(out()).size() < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  kill(pid, SIGTERM);
  const Ran ran = ended(pid);
  EXPECT_EQ(ran.status, 4) << ran.output;
  EXPECT_NE(content(out() + "/summary.txt").find("1 schedules, 1 findings"), std::string::npos);
}

TEST_F(Triage, FailsWithAReasonWithoutATemporaryFolder) {
  write("found here/onm_fuzzer-libfuzzer/findings/crash-1.txt", "bad");
  const Ran ran = triage("TMPDIR=/nonexist");
  EXPECT_EQ(ran.status, 3);
  EXPECT_NE(ran.output.find("/nonexist ($TMPDIR): No such file or directory"), std::string::npos);
}

TEST_F(Triage, RefusesWhatItCantUse) {
  EXPECT_EQ(fuzz("triage").status, 2);
  EXPECT_EQ(triage("", "--times 0").status, 2);
  const Ran none = fuzz("triage --builds build none");
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.output.find("none: no file or folder that can be read"), std::string::npos);
  write("its results", "");
  const Ran file = triage();
  EXPECT_EQ(file.status, 2);
  EXPECT_NE(file.output.find("its results: cannot be written"), std::string::npos);
}

TEST_F(Triage, SaysWhatMustBeBuilt) {
  write("found here/onm_fuzzer-libfuzzer/findings/crash-1.txt", "bad");
  add("hazards/argument-s0.sched", "one.sched", "\nop ", "\norigin onm_fuzzer: it\nop ");
  EXPECT_EQ(triage("", "--needs").output, "fuzz onm_fuzzer\n");
}

}  // namespace
}  // namespace sigsweep
