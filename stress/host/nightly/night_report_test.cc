// A night's report: parts and claims are its cases, each cause is a finding once.
#include "stress/host/nightly/night_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stress/host/files.h"
#include "stress/host/finding.h"
#include "stress/host/night_rows.h"

namespace sigsweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kRun =
    R"({"kind":"run","version":"1","build":"b","command":"c","started":"s","left_out":[]})"
    "\n";
constexpr const char* kFinding =
    R"({"kind":"finding","id":"000000000000000a","isa":"amd64","protocol":"p","site":"s",)"
    R"("handler":"h","phase":"stub/sp=a#2","verdict":"crash","detail":"it fell","schedule":"",)"
    R"("known":false,"symbol":"stub","offset":4,"source_file":"stub.S","source_line":12})"
    "\n";
constexpr const char* kClaims =
    R"({"kind":"claim","id":1,"isa":"amd64","statement":"all","holds":true,"detail":"",)"
    R"("counterexample":"","seconds":1})"
    "\n"
    R"({"kind":"claim","id":2,"isa":"amd64","statement":"none","holds":false,"detail":"it fell",)"
    R"("counterexample":"","seconds":1,"finding":"000000000000000a"})"
    "\n";

class NightReport : public testing::Test {
 protected:
  void add(const std::string& name, const char* status, const std::string& rows) {
    PartRow part;
    part.name = name;
    part.status = status;
    part.log = name + "/log";
    part.results = {name + "/results.jsonl"};
    part.reason = "the last line of its log";
    write_text(folder_.path() / name / "results.jsonl", rows);
    night_ += line_of(part) + "\n";
  }
  Report report(int status) {
    write_text(folder_.path() / kNightFile,
               night_ + fmt::format("{{\"kind\":\"end\",\"cells\":0,\"status\":{}}}\n", status));
    ReportBuilder builder("nightly");
    report_night(folder_.path(), &builder);
    return builder.report();
  }

  const TemporaryFolder folder_;
  std::string night_ = kRun;
};

TEST_F(NightReport, PartsAndClaimsAreItsCases) {
  add("prove", "finding", std::string(kFinding) + kClaims);
  add("bench", "ok", "");
  add("fuzz", "hung", "");
  add("arm", "skipped", "");
  const Report made = report(1);
  std::vector<std::string> cases;
  for (const ReportCase& c : made.cases)
    cases.push_back(fmt::format("{} {}", c.name, static_cast<int>(c.outcome)));
  EXPECT_THAT(cases,
              ElementsAre("prove 1", "claim 1 0", "claim 2 1", "bench 0", "fuzz 2", "arm 3"));
  EXPECT_EQ(made.cases[4].message, "hung: the last line of its log");
  EXPECT_THAT(made.cases[4].text, HasSubstr("fuzz/log"));
  EXPECT_EQ(made.build, "b");
  EXPECT_EQ(made.status, 1);
}

TEST_F(NightReport, AFindingOfTwoPartsIsToldOnceAtItsSourceLine) {
  add("prove", "finding", std::string(kFinding) + kClaims);
  add("sweep", "finding", kFinding);
  const Report made = report(1);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].file, "stub.S");
  EXPECT_EQ(made.findings[0].line, 12U);
}

TEST_F(NightReport, WhatOnlyACampaignHasFoundIsAFindingToo) {
  const std::string schedule = folder_.path() / "one.sched";
  write_text(schedule, "sigsweep schedule 1\nisa amd64\nprotocol p\nop s\n");
  add("triage", "finding",
      fmt::format(R"({{"kind":"group","id":"b","ids":["000000000000000b"],"protocol":"p",)"
                  R"("site":"s","phase":"stub/sp=a","verdict":"hang","places":["stub+0x9"],)"
                  R"("why":"","files":1,"schedule":"{}","times":3,"again":3,"known":true}})"
                  "\n",
                  schedule));
  const Report made = report(0);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].id, "000000000000000b");
  EXPECT_EQ(made.findings[0].verdict, "hang");
  EXPECT_EQ(made.findings[0].symbol, "stub");
  EXPECT_EQ(made.findings[0].offset, 9U);
  EXPECT_TRUE(made.findings[0].known);
}

}  // namespace
}  // namespace sigsweep
