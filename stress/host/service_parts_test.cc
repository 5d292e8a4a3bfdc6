// What service-check is made of: what a program's file says of it.
#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "stress/host/commands/service_binary.h"
#include "stress/host/commands/service_target.h"

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
