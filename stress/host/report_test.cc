// Reports, from rows; and source lines. What readers make of the files: consumers_test.py.
#include "stress/host/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stress/base/symtab.h"
#include "stress/host/source_lines.h"

namespace sigsweep {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

const ordered_json kRun = ordered_json::parse(
    R"({"kind":"run","version":"1","build":"b","command":"c","started":"2026-01-02T03:04:05Z",
        "left_out":["arm: no qemu"]})");
const ordered_json kCell = ordered_json::parse(
    R"({"kind":"cell","isa":"amd64","protocol":"p","site":"s","handler":"h","form":"single",
        "inject":"kill","contain":"place","seconds":1.5,"expected":false,
        "predicted_mismatches":null,"verdicts":{"ok":3,"hang":1}})");
const ordered_json kFinding = ordered_json::parse(
    R"({"kind":"finding","id":"0123456789abcdef","isa":"amd64","protocol":"p","site":"s",
        "handler":"h","verdict":"hang","detail":"d","schedule":"x","known":false,"symbol":"f",
        "offset":71,"binary":"build/my runner","source_file":"a.S","source_line":7})");

ordered_json with(ordered_json row, const char* key, const ordered_json& value) {
  row[key] = value;
  return row;
}

Report report_of(const std::string& name, const std::vector<ordered_json>& rows, int status) {
  ReportBuilder builder(name);
  for (const ordered_json& row : rows) builder.take(row);
  builder.take(ordered_json{{"kind", "end"}, {"cells", 1}, {"status", status}});
  return builder.report();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Reports, ACellIsACaseAndWhatIsLeftOutIsSkipped) {
  const Report report = report_of("sweep", {kRun, kCell, kFinding}, 1);
  ASSERT_EQ(report.cases.size(), 2U);
  EXPECT_EQ(report.cases[0].outcome, ReportCase::skipped);
  EXPECT_EQ(report.cases[0].message, "arm: no qemu");
  EXPECT_EQ(report.cases[1].outcome, ReportCase::failed);
  EXPECT_EQ(report.cases[1].group, "sweep.amd64.p");
  EXPECT_EQ(report.cases[1].name, "s h single kill place");
  EXPECT_EQ(report.cases[1].message, "3 ok, 1 hang");
}

TEST(Reports, ACellWhoseFindingsAreKnownPasses) {
  const auto known = with(with(kFinding, "known", true), "reason", "old");
  EXPECT_EQ(report_of("sweep", {kRun, kCell, known}, 0).cases[1].outcome, ReportCase::passed);
  const auto other = with(with(kFinding, "id", "fedcba9876543210"), "verdict", "crash");
  EXPECT_EQ(report_of("sweep", {kRun, kCell, known, other}, 1).cases[1].outcome,
            ReportCase::failed);
  EXPECT_EQ(
      report_of("sweep", {kRun, with(kCell, "predicted_mismatches", 1), known}, 1).cases[1].outcome,
      ReportCase::failed)
      << "a mismatch has no finding of its own";
  EXPECT_EQ(report_of("sweep", {kRun, kCell}, 1).cases[1].outcome, ReportCase::failed);
}

TEST(Reports, NoStatusPassesWithoutACase) {
  const Report report = report_of("sweep", {kRun, with(kCell, "expected", true)}, 1);
  EXPECT_EQ(report.cases.back().outcome, ReportCase::failed);
  EXPECT_EQ(report.cases.back().name, "run");
  ReportBuilder builder("sweep");
  builder.take(kRun);
  EXPECT_EQ(builder.report().cases.back().outcome, ReportCase::error) << "it has no end";
  builder.failure(Failure(kSkipped, "skipped: none"));
  EXPECT_EQ(builder.report().cases.back().outcome, ReportCase::skipped);
}

TEST(Reports, OfAProofTheClaimsAreTheCases) {
  const ordered_json claim =
      ordered_json::parse(R"({"kind":"claim","id":3,"isa":"amd64","statement":"all","holds":false,
                              "detail":"not so","counterexample":"","seconds":0})");
  const ordered_json skipped = ordered_json::parse(
      R"({"kind":"skipped","isa":"amd64","what":"claim 4","why":"not on amd64"})");
  const Report report = report_of("prove", {kRun, kCell, claim, skipped}, 1);
  ASSERT_EQ(report.cases.size(), 3U);
  EXPECT_EQ(report.cases[1].name, "claim 3");
  EXPECT_EQ(report.cases[1].message, "not so");
  EXPECT_EQ(report.cases[2].outcome, ReportCase::skipped);
  ASSERT_EQ(report.findings.size(), 1U) << "a claim that fails has no finding of its own";
  EXPECT_EQ(report.findings[0].verdict, "claim");
}

TEST(Reports, AnOperationThatIsWrongByItselfFails) {
  const ordered_json baseline = ordered_json::parse(
      R"({"kind":"baseline","isa":"amd64","protocol":"p","site":"s","verdict":"crash",
          "detail":"d"})");
  const Report report = report_of("sweep", {kRun, baseline}, 1);
  EXPECT_EQ(report.cases[1].name, "s without a signal");
  EXPECT_EQ(report.cases[1].outcome, ReportCase::failed);
  EXPECT_EQ(report.findings.at(0).verdict, "crash");
}

TEST(JUnit, EscapesWhatXmlDoesNotHave) {
  Report report;
  report.name = "sweep";
  report.cases.push_back(
      {.suite = "s",
       .group = "g",
       .name = "a<b>&\"c\"",
       .outcome = ReportCase::failed,
       .message = "one\ntwo\tthree",
       .text = std::string("nul\0 bell\a esc\x1b[0m ", 19) +
               "no UTF-8: \xff \xc3( \xed\xa0\x80 good: \xc3\xa9 \xf0\x9f\x98\x80 "
               "no character: \xef\xbf\xbe ]]>"});
  const std::string text = junit_text(report);
  EXPECT_TRUE(has(text, "name=\"a&lt;b&gt;&amp;&quot;c&quot;\"")) << text;
  EXPECT_TRUE(has(text, "message=\"one&#10;two&#9;three\"")) << text;
  EXPECT_TRUE(has(text, "nul bell esc[0m ")) << text;
  const std::string kNone = "\xef\xbf\xbd";
  EXPECT_TRUE(has(text, "no UTF-8: " + kNone + " " + kNone + "( " + kNone + kNone + kNone +
                            " good: \xc3\xa9 \xf0\x9f\x98\x80 no character:  ]]&gt;"))
      << text;
}

TEST(Sarif, AFindingIsAtItsSourceLineAndElseInItsBinary) {
  const auto location = [](const ordered_json& finding) {
    const Report report = report_of("sweep", {kRun, kCell, finding}, 1);
    return json::parse(sarif_text(report))["runs"][0]["results"][0]["locations"][0];
  };
  EXPECT_EQ(location(kFinding)["physicalLocation"],
            json::parse(R"({"artifactLocation":{"uri":"a.S","uriBaseId":"SRCROOT"},
                            "region":{"startLine":7}})"));
  EXPECT_EQ(location(kFinding)["logicalLocations"][0]["fullyQualifiedName"], "f+0x47");
  ordered_json bare = kFinding;
  bare.erase("source_line");
  EXPECT_EQ(
      location(bare)["physicalLocation"],
      json::parse(R"({"artifactLocation":{"uri":"build/my%20runner","uriBaseId":"SRCROOT"}})"));
  EXPECT_EQ(location(with(kFinding, "source_file",
                          "/usr/a:b%.S"))["physicalLocation"]["artifactLocation"],
            json::parse(R"({"uri":"file:///usr/a%3Ab%25.S"})"));
}

TEST(Sarif, WhatHasStoppedIsNoSuccess) {
  ReportBuilder builder("sweep");
  builder.failure(Failure(kHarnessFailed, "the disk is full"));
  const json run = json::parse(sarif_text(builder.report()))["runs"][0];
  EXPECT_EQ(run["invocations"][0]["executionSuccessful"], false);
  EXPECT_EQ(run["invocations"][0]["exitCode"], 3);
  EXPECT_EQ(run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"],
            "the disk is full");
}

// ---- source lines

constexpr unsigned kLine = __LINE__ + 1;
extern "C" __attribute__((noinline)) int a_function_of_this_test(int a) {
  return a + 1;
}

TEST(Lines, AreThoseOfTheSource) {
  ASSERT_EQ(a_function_of_this_test(1), 2);
  SourceLines lines;
  const SourceLine line = lines.at("/proc/self/exe", "a_function_of_this_test", 0);
  EXPECT_EQ(line.file, "stress/host/report_test.cc");
  EXPECT_EQ(line.line, kLine);
  EXPECT_EQ(lines.at("/proc/self/exe", "no_such_function", 0).line, 0U);
  EXPECT_EQ(lines.at("/proc/self/exe", std::uint64_t{1}).line, 0U);
  EXPECT_EQ(lines.at("/nonexistent", "a", 0).line, 0U);
  EXPECT_EQ(lines.at(__FILE__, "a", 0).line, 0U) << "no program";
}

TEST(Lines, APathIsFromTheCheckoutWhereItLiesInOne) {
  const std::string source = SIGSWEEP_SOURCE;
  EXPECT_EQ(from_checkout(source + "/runtime/asm_amd64.S", ""), "runtime/asm_amd64.S");
  EXPECT_EQ(from_checkout("runtime/asm_amd64.S", SIGSWEEP_BIN "/x"), "runtime/asm_amd64.S");
  EXPECT_EQ(from_checkout("/usr/include/stdio.h", SIGSWEEP_BIN "/x"), "/usr/include/stdio.h");
  EXPECT_EQ(from_checkout("./nowhere/x.S", SIGSWEEP_BIN "/x"), "nowhere/x.S");
}

}  // namespace
}  // namespace sigsweep
