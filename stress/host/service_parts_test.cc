// What service-check is made of: children, and what a program's file says of it.
#include <elf.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "stress/host/commands/service_binary.h"
#include "stress/host/commands/service_child.h"
#include "stress/host/commands/service_target.h"
#include "stress/host/options.h"

// Three calls in this program, by their own names.
extern "C" __attribute__((noinline)) void service_probe_called() {
  asm volatile("");
}
namespace service_probe_space {
__attribute__((noinline)) void called() {
  asm volatile("");
}
}  // namespace service_probe_space

namespace sigsweep {
namespace {

class Child : public testing::Test {
 protected:
  Child() {
    std::string name = (std::filesystem::temp_directory_path() / "sigsweep-test-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Child() override { std::filesystem::remove_all(folder_); }
  ChildStart shell(const std::string& script) const {
    ChildStart start;
    start.arguments = {"sh", "-c", script};
    start.output = folder_ + "/output";
    start.environment = {{"WORD", "here"}};
    return start;
  }
  std::string output() const { return read_file(folder_ + "/output"); }
  std::string folder_;
};

TEST_F(Child, ItsEndAndItsOutput) {
  const ChildEnd exited = run_child(shell("echo $WORD; echo there >&2; cat; exit 3"));
  EXPECT_EQ(exited.kind, ChildEnd::exited);
  EXPECT_EQ(exited.status, 3);
  EXPECT_EQ(output(), "here\nthere\n");
  const ChildEnd signalled = run_child(shell("kill -9 $$"));
  EXPECT_EQ(signalled.kind, ChildEnd::signalled);
  EXPECT_EQ(signalled.status, SIGKILL);
  EXPECT_TRUE(run_child(shell("true")).ok());
}

TEST_F(Child, WhyItDoesNotStart) {
  ChildStart start = shell("true");
  start.prepare = [] { return std::string("no room"); };
  const ChildEnd unprepared = run_child(start);
  EXPECT_EQ(unprepared.kind, ChildEnd::unprepared);
  EXPECT_EQ(unprepared.why, "no room");
  start = shell("true");
  start.arguments = {"/no/such/program"};
  const ChildEnd not_started = run_child(start);
  EXPECT_EQ(not_started.kind, ChildEnd::not_started);
  EXPECT_EQ(not_started.why, "/no/such/program: No such file or directory");
  start = shell("true");
  start.output = "/no/such/folder/output";
  EXPECT_EQ(run_child(start).why, "/no/such/folder/output: No such file or directory");
}

// Of its group, and of a session of its own.
TEST_F(Child, WhatItHasStartedEndsWithIt) {
  const std::string script = "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; ";
  for (const char* last : {"true", "sleep 1000"}) {  // ends by itself; at its limit
    ChildStart start = shell(script + last);
    if (last != std::string("true")) start.limit = std::chrono::seconds(1);
    const ChildEnd end = run_child(start);
    EXPECT_EQ(end.kind, last == std::string("true") ? ChildEnd::exited : ChildEnd::timed_out);
    std::ifstream in(folder_ + "/output");
    unsigned count = 0;
    for (pid_t pid = 0; in >> pid; count++) {
      EXPECT_EQ(kill(pid, 0), -1) << pid;
      EXPECT_EQ(errno, ESRCH) << pid;
    }
    // At its limit it may not have come to start both.
    if (end.kind == ChildEnd::exited) {
      EXPECT_EQ(count, 2U);
    }
  }
}

TEST_F(Child, IsEndedWhereTheCommandIsStopped) {
  ServiceChild child(shell("sleep 1000"));
  stop_requested = true;
  try {
    child.wait();
    ADD_FAILURE() << "it went on";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kStopped);
  }
  stop_requested = false;
}

TEST(Binary, CallsByTheBeginningOfANameOnceDemangled) {
  service_probe_called();
  service_probe_called();
  service_probe_space::called();
  std::string error;
  const auto facts =
      read_binary("/proc/self/exe", {"service_probe_c", "service_probe_s", "no_such"}, &error);
  ASSERT_TRUE(facts) << error;
  auto calls = facts->calls;
  EXPECT_EQ(calls["service_probe_c"], 2U);
  EXPECT_EQ(calls["service_probe_s"], 1U);
  EXPECT_EQ(calls["no_such"], 0U);
}

TEST(Binary, MachineAndLibraries) {
  std::string error;
  const auto facts = read_binary("/proc/self/exe", {}, &error);
  ASSERT_TRUE(facts) << error;
#if defined(__x86_64__)
  EXPECT_EQ(facts->machine, unsigned{EM_X86_64});
#endif
  EXPECT_NE(std::find(facts->libraries.begin(), facts->libraries.end(), "libc.so.6"),
            facts->libraries.end());
}

TEST(Binary, WhatIsNoElfFile) {
  std::string error;
  EXPECT_FALSE(read_binary("/proc/self/cmdline", {}, &error));
  EXPECT_EQ(error, "/proc/self/cmdline: cannot be read as an ELF file");
  EXPECT_FALSE(is_elf("/proc/self/cmdline"));
  EXPECT_TRUE(is_elf("/proc/self/exe"));
}

TEST(Options, OfLibFuzzersSectionAlone) {
  EXPECT_EQ(libfuzzer_options("before = 1\n[libfuzzer]\nmax_len = 10\n\nonly_ascii=1\n"
                              "[env]\nthere = 2\n"),
            (std::vector<std::string>{"-max_len=10", "-only_ascii=1"}));
  EXPECT_EQ(libfuzzer_options(""), std::vector<std::string>{});
}

TEST(EndOfLog, TheLastLinesWithoutEscapes) {
  EXPECT_EQ(end_of_log("\033[1;31mred\033[0m\n\033(B\016x\017\n"), "    red\n    x\n");
  EXPECT_EQ(end_of_log("\033"), "");
  std::string many;
  for (int i = 0; i < 20; i++) many += std::to_string(i) + "\n";
  const std::string end = end_of_log(many);
  EXPECT_TRUE(end.starts_with("    8\n")) << end;
  EXPECT_TRUE(end.ends_with("    19\n")) << end;
  EXPECT_EQ(end_of_log(std::string(1000, 'x')), "    " + std::string(160, 'x') + "\n");
}

}  // namespace
}  // namespace sigsweep
