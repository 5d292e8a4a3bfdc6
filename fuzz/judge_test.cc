// What a target says of a finding keeps why it is one: its schedule has `expect` and `origin`. A
// campaign keeps that text as it is (stress/host/campaign_test.cc). SIGSWEEP_TARGET is the target
// that is asked, SIGSWEEP_HAZARDS a folder of schedules that show one.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "stress/base/wire.h"

namespace sigsweep {
namespace {

constexpr const char* kArgument = SIGSWEEP_HAZARDS "/argument-s0.sched";

// The record of the one file that it is given. `shell`: in front of the target.
Record judged(const std::string& shell, const std::string& file) {
  const std::string line = shell +
                           " SIGSWEEP_PROTOCOL=signalok_raw '" SIGSWEEP_TARGET "' --judge '" +
                           file + "' 2>/dev/null";
  FILE* const pipe = popen(line.c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    output.append(buffer.data(), n);
  EXPECT_EQ(pclose(pipe), 0) << line;
  return Record::decode(output.substr(0, output.find('\n')));
}

// The rest of the line of its schedule that begins so; empty: there is none.
std::string line_of(const Record& record, const std::string& word) {
  std::istringstream in(record.text("text"));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(word + " ")) return line.substr(line.find_first_not_of(' ', word.size()));
  }
  return {};
}

TEST(Judge, AFindingsScheduleTellsWhatItShowsAndWhyItWasKept) {
  const Record record = judged("SIGSWEEP_HUNT=arg-clobbered", kArgument);
  EXPECT_EQ(record.text("ended"), "stopped");
  EXPECT_EQ(line_of(record, "expect"), "arg-clobbered s0");
  EXPECT_EQ(line_of(record, "origin"), "hazard_fuzzer: " + record.text("why"));
  EXPECT_TRUE(record.text("why").starts_with("the hunted verdict: arg-clobbered s0"));
}

// It dies as it adds to a file that is larger than a file may be: SIGXFSZ.
TEST(Judge, SoDoesThatOfAnInputThatEndsItsProcess) {
  const std::string file = "judge_test.first";
  std::ofstream(file) << "";
  std::filesystem::resize_file(file, 300'000'000);  // takes no place
  const Record record =
      judged("ulimit -f 200000; SIGSWEEP_HUNT=crash SIGSWEEP_FIRST=" + file, kArgument);
  std::filesystem::remove(file);
  EXPECT_EQ(record.text("ended"), "died");
  EXPECT_EQ(line_of(record, "expect"), "crash");
  EXPECT_EQ(line_of(record, "origin"), "hazard_fuzzer: " + record.text("why"));
  EXPECT_TRUE(record.text("why").starts_with("the process died of signal 25 ("));
}

TEST(Judge, WhatIsNoFindingExpectsNothing) {
  const Record record = judged("SIGSWEEP_HUNT=crash", kArgument);
  EXPECT_EQ(record.text("ended"), "ok");
  EXPECT_EQ(line_of(record, "op").substr(0, 14), "mcacheRefill_m");
  EXPECT_EQ(line_of(record, "expect"), "");
  EXPECT_EQ(line_of(record, "origin"), "");
}

}  // namespace
}  // namespace sigsweep
