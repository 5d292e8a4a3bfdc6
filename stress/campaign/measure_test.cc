// What the figures of a benchmark count.
#include "stress/campaign/measure.h"

#include <gtest/gtest.h>

#include "stress/base/stopwatch.h"
#include "stress/subject/fake.h"

namespace sigsweep {
namespace {

constexpr long kPause = 50'000'000;  // ns

// Its one benchmark is kept from the processor, as by other work on the machine.
class Kept final : public FakeSubject {
 public:
  std::span<const std::string_view> benchmarks() const override { return names_; }
  void run_benchmark(unsigned, std::uint64_t rounds) override {
    const timespec pause{0, kPause};
    for (std::uint64_t i = 0; i < rounds; i++) nanosleep(&pause, nullptr);
  }

 private:
  std::string_view names_[1] = {"BM_kept"};
};

TEST(Measure, OtherWorkOnTheMachineDoesNotCount) {
  Kept subject;
  Engine engine(subject);
  Traces traces(engine);
  const Stopwatch passed(CLOCK_MONOTONIC);
  const Measured measured = measure("BM_kept", 1, traces);
  EXPECT_GE(passed.ns(), kPause);
  EXPECT_EQ(measured.problem, "");
  EXPECT_GT(measured.ns, 0);
  EXPECT_LT(measured.ns, kPause);
}

}  // namespace
}  // namespace sigsweep
