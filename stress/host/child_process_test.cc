// Programs that the command starts: nothing of them is left when the call comes back.
#include "stress/host/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "stress/host/files.h"
#include "stress/host/is_gone.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

class ChildProcess : public testing::Test {
 protected:
  ~ChildProcess() override { stop_requested = false; }

  static Program shell(const std::string& script) {
    return {{"sh", "-c", script}, {}, {}, {}, {}, {}};
  }
  std::string content(const std::string& name) const {
    std::ifstream in(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A shell whose child has left its group, its session and its care; both sleep.
  Program sleepers() const {
    Program program = shell(
        "setsid sh -c 'trap \"\" TERM INT; echo $$ >inner; sleep 1000; :' & echo $$ >outer; wait");
    program.folder = folder_;
    return program;
  }
  bool both_sleep() const { return !content("inner").empty() && !content("outer").empty(); }
  void expect_none_is_left() const {
    for (const char* name : {"inner", "outer"}) {
      const pid_t pid = std::stoi("0" + content(name));
      ASSERT_GT(pid, 0) << name;
      EXPECT_TRUE(is_gone(pid)) << name;
    }
  }
  static void wait_until(const std::function<bool()>& holds) {
    for (int i = 0; i < 60000 && !holds(); i++)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const TemporaryFolder temporary_;
  const std::string folder_ = temporary_.path();
};

TEST_F(ChildProcess, TellsHowItEnded) {
  EXPECT_TRUE(run_program(shell("exit 0"), hours(1)).well());
  EXPECT_EQ(run_program(shell("exit 7"), hours(1)).how(), "ended with status 7");
  EXPECT_EQ(run_program(shell("kill -SEGV $$"), hours(1)).how(),
            "died of signal 11 (Segmentation fault)");
}

TEST_F(ChildProcess, HasItsOwnFilesFolderAndEnvironment) {
  setenv("SIGSWEEP_TEST_GONE", "there", 1);
  Program program =
      shell("echo $SIGSWEEP_TEST_GIVEN $SIGSWEEP_TEST_GONE; pwd >&2; read x || echo end");
  program.environment["SIGSWEEP_TEST_GIVEN"] = "given";
  program.without.emplace_back("SIGSWEEP_TEST_GONE");
  program.folder = folder_;
  program.output = "out";
  program.error = "err";
  EXPECT_TRUE(run_program(program, hours(1)).well());
  EXPECT_EQ(content("out"), "given\nend\n");
  EXPECT_EQ(content("err"), folder_ + "\n");
}

TEST_F(ChildProcess, HasOneFileForBothStreams) {
  Program program = shell("echo here; echo there >&2; cat");
  program.output = program.error = folder_ + "/both";
  EXPECT_TRUE(run_program(program, hours(1)).well());
  EXPECT_EQ(content("both"), "here\nthere\n");
}

TEST_F(ChildProcess, IsFoundByItsOwnPath) {
  std::ofstream(folder_ + "/its_program") << "#!/bin/sh\nexit 7\n";
  fs::permissions(folder_ + "/its_program", fs::perms::owner_all);
  Program program{{"its_program"}, {{"PATH", folder_}}, {}, {}, {}, {}};
  EXPECT_EQ(run_program(program, hours(1)).how(), "ended with status 7");
}

TEST_F(ChildProcess, IsPreparedWhereItRuns) {
  Program program = shell("pwd");
  program.output = folder_ + "/out";
  program.folder = "/";
  program.prepare = [this] { return chdir(folder_.c_str()) == 0 ? "" : "no folder"; };
  EXPECT_TRUE(run_program(program, hours(1)).well());
  EXPECT_EQ(content("out"), folder_ + "\n");
}

TEST_F(ChildProcess, ThatCantBePreparedSaysWhy) {
  Program program = shell("exit 0");
  program.prepare = [] { return std::string("no room"); };
  try {
    run_program(program, hours(1));
    FAIL();
  } catch (const NotStarted&) {
    FAIL() << "it is there";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kHarnessFailed);
    EXPECT_STREQ(failure.what(), "no room");
  }
}

TEST_F(ChildProcess, WhosePreparationThrowsIsEnded) {
  Program program = shell("exit 0");
  program.prepare = []() -> std::string { throw std::bad_alloc(); };
  program.error = "/dev/null";
  EXPECT_EQ(run_program(program, hours(1)).kind, Ended::died);
}

TEST_F(ChildProcess, ThatCantBeStartedSaysWhy) {
  try {
    run_program({{"/nonexistent/program"}, {}, {}, {}, {}, {}}, hours(1));
    FAIL();
  } catch (const NotStarted& failure) {
    EXPECT_EQ(failure.status, kHarnessFailed);
    EXPECT_STREQ(failure.what(),
                 "/nonexistent/program: cannot be started: No such file or directory");
  }
}

TEST_F(ChildProcess, WhoseFileCantBeWrittenSaysWhy) {
  Program program = shell("exit 0");
  program.output = "/nonexistent/file";
  try {
    run_program(program, hours(1));
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kHarnessFailed);
    EXPECT_STREQ(failure.what(), "/nonexistent/file: cannot be written: No such file or directory");
  }
}

TEST_F(ChildProcess, IsEndedAtItsDeadlineWithAllThatItStarted) {
  const auto ended = run_programs({sleepers()}, hours(1), [this] { return !both_sleep(); });
  EXPECT_EQ(ended.front().kind, Ended::late);
  expect_none_is_left();
}

TEST_F(ChildProcess, IsEndedByAStopWithAllThatItStarted) {
  const auto ended = run_programs({sleepers(), shell("exit 5")}, hours(1), [this] {
    if (both_sleep()) stop_requested = true;
    return true;
  });
  EXPECT_EQ(ended.front().kind, Ended::stopped);
  EXPECT_TRUE(ended.back().kind == Ended::exited || ended.back().kind == Ended::stopped);
  expect_none_is_left();
}

TEST_F(ChildProcess, LeavesNothingBehindWhenItEndsByItself) {
  Program program = shell(
      "setsid sh -c 'echo $$ >inner; sleep 1000; :' & echo $$ >outer; "
      "while [ ! -s inner ]; do :; done");
  program.folder = folder_;
  EXPECT_TRUE(run_program(program, hours(1)).well());
  expect_none_is_left();
}

TEST_F(ChildProcess, EndsWithTheCommand) {
  const pid_t command = fork();
  if (command == 0) {
    Program program = shell("echo $$ >outer; exec sleep 1000");
    program.folder = folder_;
    run_program(program, hours(1));
    _exit(0);
  }
  wait_until([this] { return !content("outer").empty(); });
  const pid_t child = std::stoi("0" + content("outer"));
  ASSERT_GT(child, 0);
  kill(command, SIGKILL);
  waitpid(command, nullptr, 0);
  wait_until([child] { return is_gone(child); });
  EXPECT_TRUE(is_gone(child));
}

}  // namespace
}  // namespace sigsweep
