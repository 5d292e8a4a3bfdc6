// What the sources of a pending signal promise to the interrupted code.
#include "stress/trap/sources.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>

namespace sigsweep::trap {
namespace {

constexpr int kMine = 4242;  // no error's number

class Sources : public testing::Test {
 protected:
  void SetUp() override {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGPROF);
    sigaddset(&both, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &both, &before_);
  }
  void TearDown() override { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

TEST_F(Sources, EachMakesItsSignalPendingAndKeepsErrno) {
  for (Source source : {Source::kill, Source::itimer, Source::peer}) {
    const int sig = source == Source::itimer ? SIGALRM : SIGPROF;
    ASSERT_EQ(prepare(source), "");
    for (int i = 0; i < 100; i++) {
      errno = kMine;
      make_pending(source, sig);
      ASSERT_EQ(errno, kMine) << source_name(source);
      ASSERT_TRUE(discard_pending(sig));
    }
  }
}

// A system call that fails at every attempt. The peer's call fails if its answer came first.
TEST_F(Sources, ACallThatFailsKeepsErrnoToo) {
  ASSERT_EQ(prepare(Source::kill), "");
  errno = kMine;
  make_pending(Source::kill, _NSIG + 1);
  EXPECT_EQ(errno, kMine);
}

}  // namespace
}  // namespace sigsweep::trap
