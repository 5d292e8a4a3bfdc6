// What a landing overwrites in a stack, and what it leaves alone.
#include "stress/trap/stack_paint.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "stress/base/raw_memory.h"

namespace sigsweep::trap {
namespace {

constexpr std::size_t kWords = 512;
constexpr std::uint64_t kGuard = 0xdead;

class StackPainted : public testing::Test {
 protected:
  StackPainted() {
    void* memory = mmap(nullptr, kWords * sizeof *words_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    words_ = static_cast<std::uint64_t*>(memory);
  }
  ~StackPainted() override { munmap(words_, kWords * sizeof *words_); }

  void attach() {
    const Region stack = {words_, kWords * sizeof *words_};
    paint_.attach({&stack, 1});
  }
  // A signal in front of an instruction with SP at words_[sp].
  void land(std::size_t sp) {
    paint_.look();
    paint_.overwrite(as_address(&words_[sp]), as_address(&words_[sp]));
  }

  std::uint64_t* words_ = nullptr;
  StackPaint paint_;
};

TEST_F(StackPainted, AllThatWasUsedBelowSpIsOverwritten) {
  attach();
  words_[100] = 1;
  words_[300] = 2;
  land(200);
  EXPECT_EQ(words_[100], kStackPaint);
  EXPECT_EQ(words_[300], 2U);
  EXPECT_EQ(paint_.used(0), (kWords - 100) * sizeof *words_);
}

// A library that keeps a guard there looks whether it is still whole. No signal comes so far down.
TEST_F(StackPainted, AGuardAtTheEndStays) {
  words_[0] = kGuard;
  attach();
  words_[100] = 1;
  land(200);
  EXPECT_EQ(words_[0], kGuard);
  EXPECT_EQ(words_[100], kStackPaint);
}

}  // namespace
}  // namespace sigsweep::trap
