// Known kinds of bug, one planted in the runtime of each runner here (stress/subjects/onm/CMakeLists.txt):
// the claims that must see it do. The same commands are green with the runtime as it is:
// command_test.cc.
#include <sstream>

#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

struct Fault {
  const char* name;
  std::set<unsigned> seen_by;  // claims that must fail
  const char* says;            // and what is said of it
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

class Planted : public Command, public testing::WithParamInterface<Fault> {};

TEST_P(Planted, IsSeenByTheClaimsOfDepthOne) {
  const Fault& fault = GetParam();
  const Ran ran = sigsweep(
      "prove --depth 1 --claim 0,2,3,12,13 --site mcacheRefill_m,mheap_alloc_m --duration 1s "
      "--runner " +
      kBin + "/runner-amd64-" + fault.name + " --out out");
  EXPECT_EQ(ran.status, 1) << ran.output;
  std::set<unsigned> failed;
  for (const json& row : rows(folder_ + "/out/prove.jsonl", "claim")) {
    if (!row["holds"]) failed.insert(row["id"].get<unsigned>());
  }
  for (const unsigned claim : fault.seen_by)
    EXPECT_TRUE(failed.contains(claim)) << claim << "\n" << ran.output;
  EXPECT_NE(ran.output.find(fault.says), std::string::npos) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Planted,
    testing::Values(Fault{"stale-g", {2, 3}, "signal on a thread without a g"},
                    Fault{"misaligned", {3}, "crash"},
                    Fault{"direction", {3}, "direction flag, at the handler's entry"},
                    Fault{"lost-register", {3}, "r13, lost by the signal's entry"},
                    Fault{"off-stack", {0, 3, 12}, "the handler ran on a wrong stack"},
                    Fault{"one-off-stack", {0, 3, 12}, "the handler ran on a wrong stack"},
                    Fault{"left-out-cfa", {13}, "broken-backtrace"},
                    Fault{"wild-cfa", {13}, "the unwinder crashed, in a backtrace"},
                    Fault{"circular-cfa", {13}, "endless-backtrace"},
                    Fault{"interrupted-kept", {0, 3}, "state"},
                    Fault{"jumped", {0, 2}, "the traceback does not name onM, which threw"},
                    Fault{"x87", {0}, "x87 control word was changed"},
                    Fault{"mxcsr", {3}, "MXCSR, lost by the signal's entry"},
                    Fault{"vector", {0}, "a vector register was changed"},
                    Fault{"stale-curg", {0}, "the stub went back to another g"},
                    Fault{"deep-below", {3}, "claim 3  FAILS"},
                    Fault{"late-altstack", {0, 12}, "entered on a wrong stack"},
                    Fault{"left-altstack", {0, 12}, "entered on a wrong stack"},
                    Fault{"open-end", {0, 12}, "entered on a wrong stack"}),
    [](const testing::TestParamInfo<Fault>& info) {
      std::string name = info.param.name;
      std::ranges::replace(name, '-', '_');
      return name;
    });

// The instructions whose call frame information is wrong are named, and no others: those that run
// on g0.
TEST_F(Command, CallFrameInformationLeftOutIsSeenWhereItIs) {
  const Ran ran =
      sigsweep("explain --protocol reject --site mcacheRefill_m --handler observe --runner " +
               kBin + "/runner-amd64-left-out-cfa");
  EXPECT_EQ(ran.status, 0) << ran.output;
  unsigned on_g0 = 0, elsewhere = 0;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  +0x")) continue;
    const bool is_on_g0 = line.find("/sp=g0") != line.npos;
    (is_on_g0 ? on_g0 : elsewhere)++;
    EXPECT_EQ(line.ends_with("broken-backtrace"), is_on_g0) << line;
    EXPECT_EQ(line.ends_with(" ok"), !is_on_g0) << line;
  }
  EXPECT_GT(on_g0, 10U);
  EXPECT_GT(elsewhere, 10U);
}

// No call site of the original uses s3.
TEST_F(Command, AHandlerThatForgetsASlotIsSeenWhicheverSlotItIs) {
  const Ran ran = sigsweep(
      "prove --depth 1 --claim 5 --site all_slots --handler all_slots --out out --runner " + kBin +
      "/runner-amd64-forgets-s3");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_NE(ran.output.find("claim 5  FAILS"), std::string::npos) << ran.output;
}

// Each run that promises something must find what is wrong with a protocol that is known to be bad.
TEST_F(Command, ABlindHarnessIsRefused) {
  for (const std::string run :
       {"sweep --protocol signalok_saved --site mcacheRefill_m --handler mcacheRefill_m",
        "prove --depth 1 --claim 5 --out out --site mcacheRefill_m --handler mcacheRefill_m",
        "storm --duration 1s --protocol signalok_saved --handler mcacheRefill_m"}) {
    const Ran sees = sigsweep(run);
    EXPECT_EQ(sees.status, 0) << sees.output;
    EXPECT_NE(
        sees.output.find("canary: signalok_raw at mcacheRefill_m, known to be bad: found in "),
        std::string::npos)
        << sees.output;
    std::string with_another = run;
    with_another.append(" --runner ").append(kBin).append("/runner-amd64-blind");
    const Ran blind = sigsweep(with_another);
    EXPECT_EQ(blind.status, 3) << blind.output;
    EXPECT_NE(blind.output.find("the harness is blind"), std::string::npos) << blind.output;
  }
}

// A stack without room for what nests on it is refused, with the bytes that it has and those that
// it needs. Each handler takes more than 8 KiB: so two have no room, however small this machine's
// frames are.
TEST_F(Command, ASmallSignalStackIsRefused) {
  for (const char* depth : {"", "--depth 1"}) {
    const Ran ran = run("cd " + folder_ + " && SIGSWEEP_FRAME_PAD=12000 " + kBin +
                        "/sigsweep prove --claim 5 --site mcacheRefill_m " + depth + " --runner " +
                        kBin + "/runner-amd64-small-gsignal --out out");
    EXPECT_EQ(ran.status, 3) << ran.output;
    EXPECT_TRUE(std::regex_search(ran.output,
                                  std::regex("the alternate stack has [0-9]+ bytes; two handlers "
                                             "and a fault's need (more than )?[0-9]+ on this")))
        << ran.output;
    EXPECT_EQ(ran.output.find("FAILS"), std::string::npos) << ran.output;
  }
}

}  // namespace
}  // namespace sigsweep
