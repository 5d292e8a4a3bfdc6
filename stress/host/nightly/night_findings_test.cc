// Findings by cause, causes by fault.
#include "stress/host/nightly/night_findings.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "stress/host/files.h"
#include "stress/host/finding.h"

namespace sigsweep {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class NightFindings : public testing::Test {
 protected:
  static std::string schedule(const std::string& site, const std::string& at) {
    return fmt::format(
        "sigsweep schedule 1\\nisa amd64\\nprotocol p\\nop {}\\ninject SIGPROF at {} "
        "phase=stub/sp=a#2 by=kill handler=h\\nexpect crash\\n",
        site, at);
  }
  static std::string finding(unsigned id, const std::string& site, const std::string& at,
                             bool known = false) {
    return fmt::format(
        R"({{"kind":"finding","id":"{:016x}","isa":"amd64","protocol":"p","site":"{}","handler":"h",)"
        R"("phase":"stub/sp=a#2","verdict":"crash","detail":"it fell","schedule":"{}","known":{}}})"
        "\n",
        id, site, schedule(site, at), known);
  }
  static std::string claim(const std::string& isa, const std::string& counterexample) {
    return fmt::format(R"({{"kind":"claim","id":2,"isa":"{}","statement":"it holds","holds":false,)"
                       R"("counterexample":"{}","detail":""}})"
                       "\n",
                       isa, counterexample);
  }
  // A part of the night with that in its results.
  void add(const std::string& name, const std::string& rows, const char* status = "finding",
           std::map<std::string, std::uint64_t> work = {{"trials", 1}}) {
    write_text(folder_.path() / name / "results.jsonl", rows);
    PartRow part;
    part.name = name;
    part.status = status;
    part.work = std::move(work);
    part.reason = "the last line of its log";
    parts_.push_back(part);
  }
  std::vector<NightFinding> found() const { return findings_of(folder_.path(), parts_); }

  const TemporaryFolder folder_;
  std::vector<PartRow> parts_;
};

// Row 16 of what must hold: 24 ids of one fault of a stub are one fault, and told in a few lines.
TEST_F(NightFindings, OneFaultOfAStubIsToldOnce) {
  std::string rows = claim("amd64", schedule("site0", "stub+0x5"));
  for (unsigned i = 0; i < 24; i++)
    rows += finding(i + 1, fmt::format("site{}", i % 12), fmt::format("stub+0x{:x}", i));
  add("prove-amd64", rows);
  const auto findings = found();
  EXPECT_THAT(findings, SizeIs(13));  // twelve causes, and the claim
  const auto faults = faults_of(findings);
  ASSERT_THAT(faults, SizeIs(1));
  const std::string text = fault_text(faults[0]);
  EXPECT_THAT(text, HasSubstr("crash at stub+0x5, stub/sp=a\n"));
  EXPECT_THAT(text, HasSubstr("claim 2 does not hold on amd64: it holds\n"));
  EXPECT_THAT(text, HasSubstr("13 causes, 24 ids; isa amd64; protocols p; sites site0, site1, "
                              "site10, site11 and 8 more"));
  EXPECT_LE(std::ranges::count(text, '\n'), 5);
}

TEST_F(NightFindings, AMutantThatSurvivedIsAFault) {
  const auto mutant = [](const char* id, const char* status) {
    return fmt::format(R"({{"kind":"mutant","isa":"386","id":"{}","before":"nop","after":"ret",)"
                       R"("status":"{}"}})"
                       "\n",
                       id, status);
  };
  add("mutants-386", mutant("f+0x1:dropped:1", "killed") + mutant("f+0x2:dropped:1", "survived") +
                         mutant("f+0x3:dropped:1", "equivalent") +
                         mutant("f+0x4:dropped:1", "survived"));
  const auto faults = faults_of(found());
  ASSERT_THAT(faults, SizeIs(2));
  EXPECT_EQ(fault_text(faults[0]), "the mutant f+0x2:dropped:1 of 386 survived: nop -> ret\n");
}

TEST_F(NightFindings, OtherPlacesAreOtherFaults) {
  add("sweep-amd64", finding(1, "s", "stub+0x5") + finding(2, "t", "other+0x5"));
  EXPECT_THAT(faults_of(found()), SizeIs(2));
}

TEST_F(NightFindings, ACauseIsKnownOnlyIfAllOfItIs) {
  add("one", finding(1, "s", "stub+0x5", true));
  EXPECT_TRUE(found().at(0).known);
  add("two", finding(2, "s", "stub+0x9", false));
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_FALSE(found()[0].known);
  EXPECT_THAT(found()[0].parts, testing::ElementsAre("one", "two"));
}

TEST_F(NightFindings, TriageSpeaksForTheCampaigns) {
  const std::string said =
      R"({"kind":"found","target":"t","file":"/f","why":"it differs","cause":"c","inputs":3})"
      "\n";
  add("fuzz-t-afl", said, "finding", {{"execs", 5}});
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].said, "t: it differs");
  add("triage", "", "ok", {{"campaigns", 1}});
  EXPECT_THAT(found(), SizeIs(0)) << "all of it is acknowledged";
  parts_.back().status = "failed";
  EXPECT_THAT(found(), SizeIs(1)) << "nobody has sorted it";
}

TEST_F(NightFindings, AStatusWithoutARowIsAFinding) {
  add("storm-gcc", "");
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].said, "the last line of its log");
}

TEST_F(NightFindings, AStormTellsWhatItHasWritten) {
  const std::string rows =
      R"({"kind":"storm","protocol":"p","verdicts":{"crash":3},"expected":false})"
      "\n";
  std::string text = schedule("s", "stub+0x5");
  for (std::size_t at; (at = text.find("\\n")) != text.npos;) text.replace(at, 2, "\n");
  write_text(folder_.path() / "storm-gcc/findings/00000000000000ab.sched", text);
  add("storm-gcc", rows);
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_EQ(found()[0].site, "s");
  EXPECT_EQ(*found()[0].ids.begin(), "00000000000000ab");
  EXPECT_FALSE(found()[0].known);
}

TEST_F(NightFindings, AScheduleThatShowsAnotherVerdictIsNamedWithWhatItExpects) {
  const std::string file = folder_.path() / "kept.sched";
  std::string text = schedule("site0", "stub+0x5");
  for (std::size_t at; (at = text.find("\\n")) != text.npos;) text.replace(at, 2, "\n");
  write_text(file, text);
  add("replay", fmt::format(R"({{"kind":"replayed","file":"{}","isa":"amd64","verdict":"ok",)"
                            R"("expected":false}})"
                            "\n",
                            file));
  ASSERT_THAT(found(), SizeIs(1));
  EXPECT_THAT(fault_text(found()), HasSubstr("ok at stub+0x5"));
  EXPECT_THAT(fault_text(found()), HasSubstr("kept.sched expects crash"));
}

TEST_F(NightFindings, TheFaultWithMostCausesComesFirst) {
  std::string rows = finding(1, "one", "other+0x5");
  for (unsigned i = 2; i < 6; i++) rows += finding(i, fmt::format("site{}", i), "stub+0x5");
  add("sweep", rows);
  const auto faults = faults_of(found());
  ASSERT_THAT(faults, SizeIs(2));
  EXPECT_THAT(faults[0], SizeIs(4));
}

}  // namespace
}  // namespace sigsweep
