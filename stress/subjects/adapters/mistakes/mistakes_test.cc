// An author's mistakes: each ends with one line that says what is wrong, and with nothing left running.
// mistakes.def has what is said.
#include "stress/host/command_fixture.h"

namespace sigsweep {
namespace {

struct Mistake {
  const char* name;
  int check, sweep;  // exit statuses
  const char* text;  // of a line of standard error; empty: there is none
};
constexpr Mistake kMistakes[] = {
#define MISTAKE(name, check, sweep, text) {#name, check, sweep, text},
#include "stress/subjects/adapters/mistakes/mistakes.def"
};

void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}

std::string file_of(const std::string& name) {
  return kBin + "/mistake-" + name + "-amd64.so";
}

// But for those that say which command this is.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("sigsweep ")) lines.push_back(line);
  }
  return lines;
}

class Mistakes : public Command, public testing::WithParamInterface<Mistake> {
 protected:
  // Its output is what came on standard error; `page` has the rest.
  Ran errors_of(const std::string& arguments) {
    return run("cd " + folder_ + " && (SIGSWEEP_TEST=" + folder_ + " " + kBin + "/sigsweep " +
               arguments + " 2>&1 >page)");
  }
};

TEST_P(Mistakes, AreSaidInALineByCheck) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const Mistake& mistake = GetParam();
  const Ran ran = errors_of("adapter check " + file_of(mistake.name));
  EXPECT_EQ(ran.status, mistake.check) << ran.output;
  EXPECT_TRUE(processes().empty());
  const std::vector<std::string> lines = lines_of(ran.output);
  if (mistake.check != 0) {
    ASSERT_EQ(lines.size(), 1U) << ran.output;
    EXPECT_TRUE(lines[0].starts_with("sigsweep: ")) << ran.output;
  }
  const std::string_view text = mistake.text;
  if (text.empty()) {
    EXPECT_TRUE(lines.empty()) << ran.output;
  }
  EXPECT_TRUE(text.empty() || ran.output.find(text) != ran.output.npos) << ran.output;
}

TEST_P(Mistakes, DoNotStopASweepWithoutAWord) {
  SIGSWEEP_NEEDS_PLAIN_CODE();
  const Mistake& mistake = GetParam();
  const Ran ran =
      errors_of("sweep --adapter " + file_of(mistake.name) + " --site round_trip --json r.jsonl");
  EXPECT_EQ(ran.status, mistake.sweep) << ran.output;
  EXPECT_TRUE(processes().empty());
  if (mistake.sweep > 1) {
    EXPECT_EQ(lines_of(ran.output).size(), 1U) << ran.output;
  }
  const bool remark = mistake.check == 0;
  EXPECT_TRUE(!remark || ran.output.find(mistake.text) != ran.output.npos) << ran.output;
}

INSTANTIATE_TEST_SUITE_P(, Mistakes, testing::ValuesIn(kMistakes),
                         [](const auto& info) { return info.param.name; });

// A signal that the library throws away is a finding, and the account of signals closes.
TEST_F(Command, ASignalThatTheLibraryIgnoresIsLost) {
  const Ran ran = sigsweep("sweep --site round_trip --handler none --inject kill --json r.jsonl " +
                           ("--adapter " + file_of("IGNORES_SIGPROF")));
  EXPECT_EQ(ran.status, 1) << ran.output;
  std::uint64_t lost = 0;
  for (const json& row : rows(folder_ + "/r.jsonl", "cell")) {
    EXPECT_EQ(row["requested"],
              row["landed"].get<int>() + row["unreached"].get<int>() + row.value("lost", 0));
    EXPECT_EQ(row["verdicts"].value("lost-signal", 0), row.value("lost", 0));
    lost += row.value("lost", 0U);
  }
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(validate(folder_ + "/r.jsonl").status, 0);
}

// The library waits in a child of the runner's.
class Interrupt : public Command, public testing::WithParamInterface<const char*> {};

TEST_P(Interrupt, EndsAllThatRuns) {
  const pid_t pid = start(GetParam() + file_of("WAITS_FOR_EVER"));
  ASSERT_TRUE(await([&] { return processes().size() == 3; }));
  kill(-pid, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 4) << status;
  EXPECT_TRUE(await([&] { return processes().empty(); }));
}

INSTANTIATE_TEST_SUITE_P(, Interrupt, testing::Values("adapter check ", "sweep --adapter "),
                         [](const auto& info) { return info.index == 0 ? "check" : "sweep"; });

}  // namespace
}  // namespace sigsweep
