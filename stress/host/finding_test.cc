// A finding's id is kept in files of people (corpus/known.txt): it may never change.
#include "stress/host/finding.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

ReportedTrial trial() {
  ReportedTrial e;
  e.isa = "amd64";
  e.protocol = "signalok_raw";
  e.account.site = "largeAlloc_m";
  e.account.verdict = Verdict::arg_clobbered;
  InjectionAccount injection;
  injection.planned.handler = "mcacheRefill_m";
  injection.planned.phase = Phase("stub.switched/g=g0/sp=g0/live=s0+s1", 3);
  e.account.injections.push_back(injection);
  return e;
}

AdapterIdentity fiber() {
  return {"fiber", "1.2", "abc123"};
}

TEST(FindingId, OfABuiltInSubjectStaysAsItIs) {
  EXPECT_EQ(finding_id(trial()), "c83fa41d0dbf4dfd");
  ReportedTrial nothing;
  EXPECT_EQ(finding_id(nothing), "32bdcf9e585cc9b7");
}

TEST(FindingId, OfAnAdapterIsOfItsLibraryInEveryBuild) {
  ReportedTrial e = trial();
  e.adapter = fiber();
  const std::string id = finding_id(e);
  EXPECT_EQ(id, "38dbd122037d78fb");
  e.protocol = "altstack";
  e.adapter->version = "2.0";
  e.adapter->build = "77";
  EXPECT_EQ(finding_id(e), id);
  e.adapter->name = "fibre";
  EXPECT_NE(finding_id(e), id);
}

TEST(FindingSchedule, SaysWhoseItIs) {
  ReportedTrial e = trial();
  EXPECT_EQ(schedule_of(e, "sigsweep sweep").adapter, std::nullopt);
  e.adapter = fiber();
  const Schedule schedule = schedule_of(e, "sigsweep sweep --adapter ./mine.so");
  EXPECT_EQ(schedule.adapter, fiber());
  EXPECT_NE(schedule.origin.find("--adapter ./mine.so"), std::string::npos);
}

}  // namespace
}  // namespace sigsweep
