// `sigsweep minimize`: what is left, what is kept, and that nothing is lost where it fails. To the
// fake target an input shows the letters that are in it.
#include "stress/host/fuzz_fixture.h"

namespace sigsweep {
namespace {

const char* const kBothEngines[] = {"libfuzzer", "afl"};

class Minimize : public Fuzz {
 protected:
  Minimize() {
    fs::create_directories(inputs());
    fs::create_symlink(kBin + "/fake_target", checkout() + "/bin/afl-cmin");
    for (const std::string input : {"ab", "abc", "c", "d", "ab "})
      write("its inputs/" + input, input == "ab " ? "ab" : input);
  }
  std::string inputs() const { return folder_ + "/its inputs"; }
  std::string minimize(const std::string& engine, const std::string& more = "") const {
    return "minimize --builds build --target onm_fuzzer --engine " + engine + " --json r.jsonl " +
           more + " --out '" + out() + "' '" + inputs() + "'";
  }
  std::set<std::string> left() const {
    std::set<std::string> contents;
    for (const std::string& name : names(out())) contents.insert(content(out() + "/" + name));
    return contents;
  }
};

TEST_F(Minimize, LeavesWhatShowsAll) {
  for (const std::string engine : kBothEngines) {
    const Ran ran = fuzz(minimize(engine));
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_NE(ran.output.find("onm_fuzzer, " + engine + ": 2 of 4 inputs are left\n"),
              std::string::npos)
        << ran.output;
    EXPECT_EQ(left(), (std::set<std::string>{"abc", "d"}));
    EXPECT_EQ(validate("'" + checkout() + "/r.jsonl'").status, 0);
  }
}

TEST_F(Minimize, KeepsTheBestAsSchedules) {
  fs::create_directories(checkout() + "/corpus/fuzz/onm_fuzzer");
  write("a checkout/corpus/fuzz/onm_fuzzer/old.sched", "old");
  write("its inputs/large", std::string(301, 'x'));
  write("its inputs/bytes", "\x01yz");
  for (const std::string engine : kBothEngines) {
    const Ran ran = fuzz(minimize(engine, "--keep 1"));
    EXPECT_EQ(ran.status, 0) << ran.output;
    EXPECT_NE(ran.output.find(": 1 schedules kept, which show 3 of 4 features\n"),
              std::string::npos)
        << ran.output;
    const auto kept = names(checkout() + "/corpus/fuzz/onm_fuzzer");
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(content(checkout() + "/corpus/fuzz/onm_fuzzer/" + *kept.begin()), "abc");
    EXPECT_EQ(rows(checkout() + "/r.jsonl", "minimized").at(0)["kept"], 1);
  }
}

TEST_F(Minimize, LosesNothingWhereItFailsOrIsStopped) {
  for (const std::string engine : kBothEngines) {
    EXPECT_EQ(fuzz(minimize(engine)).status, 0);
    const auto before = left();
    const Ran failed = fuzz(minimize(engine), "FAKE_FAILS=1");
    EXPECT_EQ(failed.status, 3) << failed.output;
    EXPECT_NE(failed.output.find(".log\n"), std::string::npos) << failed.output;
    EXPECT_EQ(left(), before);
    const Ran cut = fuzz(minimize(engine), "FAKE_CUTS=1");
    EXPECT_EQ(cut.status, 3) << cut.output;
    EXPECT_NE(cut.output.find("1 inputs were cut short"), std::string::npos) << cut.output;
    EXPECT_EQ(left(), before);
    EXPECT_EQ(stopped("engine", minimize(engine), SIGINT).status, 4);
    EXPECT_EQ(left(), before);
  }
}

TEST_F(Minimize, TakesTheCorporaOfBothEnginesByDefault) {
  fs::create_directories(checkout() + "/results/fuzz/onm_fuzzer-libfuzzer");
  fs::create_directories(checkout() + "/results/fuzz/onm_fuzzer-afl");
  fs::rename(inputs(), checkout() + "/results/fuzz/onm_fuzzer-libfuzzer/corpus");
  fs::create_directories(checkout() + "/results/fuzz/onm_fuzzer-afl/corpus");
  write("a checkout/results/fuzz/onm_fuzzer-afl/corpus/e", "e");
  const Ran ran = fuzz("minimize --builds build --target onm_fuzzer --engine libfuzzer");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find(": 3 of 5 inputs are left\n"), std::string::npos) << ran.output;
}

TEST_F(Minimize, RefusesWhatItCantUse) {
  const auto refused = [this](const std::string& command, int status, const std::string& text,
                              const std::string& environment = "") {
    const Ran ran = fuzz(command, environment);
    EXPECT_EQ(ran.status, status) << command << ": " << ran.output;
    EXPECT_NE(ran.output.find(text), std::string::npos) << command << ": " << ran.output;
  };
  refused("minimize --engine honggfuzz --target onm_fuzzer", 2, "not in {libfuzzer,afl}");
  refused("minimize --engine afl --target om", 2, "unknown target: 'om' (allowed: ");
  refused(minimize("afl", "--keep all"), 2, "--keep");
  refused("minimize --builds build --engine libfuzzer --target onm_fuzzer", 2, "which FOLDER?");
  refused("minimize --builds build --engine libfuzzer --target onm_fuzzer none", 2,
          "none: no readable folder");
  refused("minimize --builds build --engine libfuzzer --target onm_fuzzer --out '" + inputs() +
              "' '" + inputs() + "'",
          2, "its inputs: both read and made anew");
  refused(minimize("libfuzzer"), 3, "/nonexist ($TMPDIR)", "TMPDIR=/nonexist");
  write("its inputs/large", std::string((1 << 20) + 1, 'x'));
  refused(minimize("libfuzzer"), 2, "large: larger than the 1048576 bytes");
  fs::remove(checkout() + "/bin/afl-cmin");
  const Ran without =
      run("cd '" + checkout() + "' && PATH=\"$PWD/bin\" " + kBin + "/sigsweep " + minimize("afl"));
  EXPECT_EQ(without.status, 77) << without.output;
}

TEST_F(Minimize, SaysWhatMustBeBuilt) {
  EXPECT_EQ(fuzz(minimize("libfuzzer", "--needs")).output, "fuzz onm_fuzzer\n");
  EXPECT_EQ(fuzz(minimize("afl", "--keep 2 --needs")).output, "afl onm_fuzzer\nfuzz onm_fuzzer\n");
}

}  // namespace
}  // namespace sigsweep
