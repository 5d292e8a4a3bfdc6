// `sigsweep reproduce`: what the target stops at is what it shows, beside what a replay shows.
#include "stress/host/fuzz_fixture.h"

namespace sigsweep {
namespace {

class Reproduce : public Fuzz {
 protected:
  Ran reproduce(const std::string& name, const std::string& environment = "") const {
    return fuzz("reproduce --builds build --json r.jsonl onm_fuzzer '" + folder_ + "/" + name + "'",
                environment);
  }
  json row() const { return rows(checkout() + "/r.jsonl", "reproduced").at(0); }
};

TEST_F(Reproduce, ShowsWhatATrialAloneDoesNot) {
  write("its input.sched", "bad a");  // to the target; a schedule to the replay:
  const std::string sound = content(kSource + "/corpus/regressions/raw-not-live.sched");
  write("its input", "bad a");
  write("its input.sched", sound);
  const Ran ran = reproduce("its input");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("onm_fuzzer: it says bad a\n"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find(".sched: ok "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("a trial alone shows nothing: what it is, the target says: '" +
                            checkout() + "/build/fuzz/onm_fuzzer' '" + folder_ + "/its input'\n"),
            std::string::npos)
      << "a command for a shell: " << ran.output;
  EXPECT_EQ(row()["ended"], "stopped");
  EXPECT_EQ(row()["verdict"], "ok");
  EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
}

TEST_F(Reproduce, ShowsWhatAReplayShows) {
  fs::copy_file(kSource + "/corpus/hazards/argument-s0.sched", folder_ + "/its input.sched");
  const Ran ran = reproduce("its input.sched");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("onm_fuzzer: does not stop at it\n"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("input.sched: arg-clobbered s0 "), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("in gdb:  gdb "), std::string::npos) << ran.output;
  EXPECT_EQ(row()["verdict"], "arg-clobbered");
}

TEST_F(Reproduce, OfWhatIsSoundIsAPass) {
  fs::copy_file(kSource + "/corpus/regressions/raw-not-live.sched", folder_ + "/its input.sched");
  EXPECT_EQ(reproduce("its input.sched").status, 0);
}

// What the target has loaded is what the replay loads.
TEST_F(Reproduce, OfAnAdapterReplaysWithTheTargets) {
  SIGSWEEP_NEEDS_CLANGS_PHASES();
  write("its input.sched", kFaultySchedule);
  const Ran ran = fuzz(
      "reproduce --builds build --json r.jsonl adapter_fuzzer '" + folder_ + "/its input.sched'",
      faulty_adapter());
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_EQ(row()["verdict"], "state-leak") << ran.output;
}

TEST_F(Reproduce, FailsWhereTheHarnessDoes) {
  write("its input", "fail: lost");
  fs::copy_file(kSource + "/corpus/regressions/raw-not-live.sched", folder_ + "/its input.sched");
  const Ran ran = reproduce("its input");
  EXPECT_EQ(ran.status, 3) << ran.output;
  EXPECT_NE(ran.output.find("it says fail: lost"), std::string::npos);
}

TEST_F(Reproduce, Stops) {
  write("its input", "bad");
  const Ran ran =
      stopped("judge", "reproduce --builds build onm_fuzzer '" + folder_ + "/its input'", SIGTERM);
  EXPECT_EQ(ran.status, 4) << ran.output;
}

TEST_F(Reproduce, RefusesWhatItCantUse) {
  EXPECT_EQ(fuzz("reproduce onm_fuzzer").status, 2);
  const Ran none = reproduce("none");
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.output.find("none: no file that can be read"), std::string::npos) << none.output;
  write("its input", "bad");
  const Ran unknown = fuzz("reproduce om '" + folder_ + "/its input'");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.output.find("unknown target: 'om' (allowed: "), std::string::npos);
  EXPECT_EQ(reproduce("its input", "TMPDIR=/nonexist").status, 3);
  fs::remove_all(checkout() + "/build");
  const Ran unbuilt = reproduce("its input");
  EXPECT_EQ(unbuilt.status, 77);
  EXPECT_NE(unbuilt.output.find("it is not built"), std::string::npos) << unbuilt.output;
}

}  // namespace
}  // namespace sigsweep
