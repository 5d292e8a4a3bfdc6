// The runtime without the check in onM, under the protocol that demands a rejection: the miss is
// seen at every boundary.
#include <gtest/gtest.h>
#include <signal.h>

#include "stress/campaign/cell.h"
#include "stress/campaign/resolve.h"

namespace sigsweep {
namespace {

TEST(UncheckedOnM, IsNeverTakenForARejection) {
  static volatile std::uint64_t serial = 0;
  static Engine engine(subject());
  ASSERT_EQ(engine.attach(&serial), "");
  CellRequest request;
  request.protocol = static_cast<unsigned>(find_protocol(subject(), "reject"));
  request.site = static_cast<unsigned>(find_site(subject(), "largeAlloc_m"));
  request.handler = static_cast<unsigned>(find_site(subject(), "setgcpercent_m"));
  request.signal = SIGUSR2;
  Traces traces{engine};
  CellSweeper sweeper{traces};
  ASSERT_EQ(sweeper.prepare(request.protocol, request.site, 81), "");
  EXPECT_EQ(sweeper.without_signal().verdict, Verdict::ok);
  const CellResult result =
      sweeper.run(request, {[](const Point&) {}, [](const Example&) {}, {}, [] {}});
  const auto times = [&](Verdict v) { return result.verdicts[static_cast<unsigned>(v)]; };
  EXPECT_EQ(result.landed, result.trials);
  EXPECT_GT(times(Verdict::missed_reject), 0U);
  EXPECT_EQ(times(Verdict::missed_reject) + times(Verdict::crash) + times(Verdict::hang),
            result.trials);
}

}  // namespace
}  // namespace sigsweep
