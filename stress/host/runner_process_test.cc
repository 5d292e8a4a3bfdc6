// When a runner that says nothing is taken for hung.
#include "stress/host/runner_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sigsweep {
namespace {

constexpr unsigned kLimit = 10, kMany = 1000;

unsigned looks_until_hung(char state, bool runs) {
  Silence silence;
  for (unsigned i = 1; i <= kMany; i++) {
    if (silence.lasts(Activity{state, runs ? i : 0}, kLimit)) return i;
  }
  return 0;
}

TEST(Silence, OfARunnerThatRunsOrWaitsIsAHang) {
  EXPECT_EQ(looks_until_hung('R', true), kLimit);
  EXPECT_EQ(looks_until_hung('S', false), kLimit);
  EXPECT_EQ(looks_until_hung('D', false), kLimit);
}

TEST(Silence, OfARunnerThatIsKeptFromRunningIsNone) {
  EXPECT_EQ(looks_until_hung('T', false), 0U);
  EXPECT_EQ(looks_until_hung('t', false), 0U);
  EXPECT_EQ(looks_until_hung('R', false), 0U);
}

TEST(Silence, EndsWithAWord) {
  Silence silence;
  for (unsigned i = 0; i < kMany; i++) {
    EXPECT_FALSE(silence.lasts(Activity{'S', 0}, kLimit));
    if (i % (kLimit - 1) == 0) silence.over();
  }
}

// A cell of many thousand trials in copies says nothing for minutes.
TEST(Silence, EndsWithAnotherTrial) {
  Silence silence;
  for (unsigned i = 0; i < kMany; i++) {
    EXPECT_FALSE(silence.lasts(Activity{'S', 0, i / (kLimit - 1)}, kLimit)) << i;
  }
}

TEST(Activity, TellsAProcessThatIsStopped) {
  const pid_t pid = fork();
  if (pid == 0) {
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, WUNTRACED), pid);
  EXPECT_EQ(activity_of(pid).state, 'T');
  kill(pid, SIGKILL);
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(activity_of(pid).state, '?');
}

TEST(Activity, CountsTheProcessorsTime) {
  const std::uint64_t before = activity_of(getpid()).ticks;
  while (activity_of(getpid()).ticks == before) {
  }
  EXPECT_EQ(activity_of(getpid()).state, 'R');
}

}  // namespace
}  // namespace sigsweep
