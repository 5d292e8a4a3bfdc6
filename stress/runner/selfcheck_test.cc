// The work that the harness does by hand is right on this machine.
#include "stress/runner/selfcheck.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

TEST(SelfCheck, EachHolds) {
  for (const SelfCheck* check = selfchecks(); check->name != nullptr; check++) {
    EXPECT_EQ(check->run(), "") << check->name;
  }
}

}  // namespace
}  // namespace sigsweep
