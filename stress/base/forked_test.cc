// Children that end in their own way.
#include "stress/base/forked.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sigsweep {
namespace {

// A file with a word in its buffer that no one has written yet.
class Buffered {
 public:
  Buffered() : file_(std::tmpfile()) { std::fputs("word", file_); }
  ~Buffered() { std::fclose(file_); }
  Buffered(const Buffered&) = delete;
  Buffered& operator=(const Buffered&) = delete;
  long written() {
    std::fflush(file_);
    std::fseek(file_, 0, SEEK_END);
    return std::ftell(file_);
  }

 private:
  std::FILE* file_;
};

[[noreturn]] void leave() {
  std::exit(7);  // flushes the buffers of its process
}

TEST(Forked, AChildThatExitsWritesNoBufferOnceMore) {
  Buffered buffered;
  EXPECT_EQ(run_in_child(leave).exit_status, 7);
  EXPECT_EQ(buffered.written(), 4);
}

TEST(Worker, AChildThatExitsWritesNoBufferOnceMore) {
  Buffered buffered;
  Worker worker(leave, 0);
  EXPECT_EQ(worker.once().exit_status, 7);
  EXPECT_EQ(buffered.written(), 4);
}

TEST(Worker, LivesUntilARoundEndsIt) {
  int rounds = 0;  // of the child
  Worker worker(
      [&] {
        if (++rounds == 3) leave();
      },
      0);
  EXPECT_FALSE(worker.lives());
  for (const int status : {kCameBack, kCameBack, 7, kCameBack}) {
    EXPECT_EQ(worker.once().exit_status, status);
    EXPECT_EQ(worker.lives(), status == kCameBack);
  }
}

// It takes no processor time, so a limit of that never ends it.
TEST(Worker, ARoundThatOnlyWaitsIsEnded) {
  bool waits = true;
  Worker worker(
      [&] {
        while (waits) pause();
      },
      0);
  const Forked ended = worker.once();
  EXPECT_TRUE(ended.blocked);
  EXPECT_EQ(ended.signal, SIGKILL);
  waits = false;
  EXPECT_EQ(worker.once().exit_status, kCameBack);
}

TEST(Worker, ErrorsAreKeptOrPassed) {
  const auto complain = [] {
    std::fputs("trouble\n", stderr);
    leave();
  };
  Worker keeps(complain, 0), passes(complain, 0, Worker::Errors::passed);
  EXPECT_EQ(keeps.once().output, "trouble\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(passes.once().output, "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "trouble\n");
}

}  // namespace
}  // namespace sigsweep
