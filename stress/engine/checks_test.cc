// Tests of what a subject must tell.
#include "stress/engine/checks.h"

#include <gtest/gtest.h>

#include "stress/subject/fake.h"

namespace sigsweep {
namespace {

constexpr std::uint64_t kStack = 0x1000, kSize = 0x100, kSp = kStack + kSize;

// Tells all that is asked for, but for one thing at a time.
class Telling final : public FakeSubject {
 public:
  bool describes = true, has_live = true, lists = true;

  std::size_t describe(std::uint64_t, char*, std::size_t) const override { return describes; }
  unsigned live_regions(std::uint64_t, std::span<Region>) const override { return has_live; }
  unsigned stacks(std::span<Region> out) const override {
    out[0] = Region{as_pointer<const void>(lists ? kStack : 2 * kStack), kSize};
    return 1;
  }
};

TEST(Untold, NothingIs) {
  EXPECT_EQ(untold(Telling(), kSp), "");
  EXPECT_EQ(untold(Telling(), kStack + 1), "");
}

TEST(Untold, NamesTheVirtual) {
  Telling subject;
  subject.describes = false;
  EXPECT_NE(untold(subject, kSp).find("describe()"), std::string::npos);
  subject.describes = true;
  subject.has_live = false;
  EXPECT_NE(untold(subject, kSp).find("live_regions()"), std::string::npos);
  subject.has_live = true;
  subject.lists = false;
  EXPECT_NE(untold(subject, kSp).find("stacks()"), std::string::npos);
}

}  // namespace
}  // namespace sigsweep
