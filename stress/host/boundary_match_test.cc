#include "stress/host/boundary_match.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

BoundaryIdentity at(const char* symbol, const char* phase, const char* instruction) {
  return {symbol, *Phase::parse(phase), instruction};
}

constexpr const char* kOne = "stub/sp=a/live=-#1";
constexpr const char* kTwo = "stub/sp=a/live=-#2";
constexpr const char* kThree = "stub/sp=a/live=-#3";

TEST(BoundaryMatch, TheSamePhaseIsTheSameBoundary) {
  const auto pairs = match_boundaries({at("jump", kOne, "push"), at("jump", kTwo, "pop")},
                                      {at("jump", kOne, "pop"), at("jump", kTwo, "push")});
  EXPECT_EQ(pairs, (std::vector<BoundaryPair>{{0, 0}, {1, 1}}));
}

// Else all boundaries behind it would be held against their neighbours.
TEST(BoundaryMatch, AnInstructionThatWasPutInIsNew) {
  const auto pairs =
      match_boundaries({at("jump", kOne, "push"), at("jump", kTwo, "leaq 0x10(%rip), %rdi")},
                       {at("jump", kOne, "nop"), at("jump", kTwo, "push"),
                        at("jump", kThree, "leaq 0x24(%rip), %rdi")});
  EXPECT_EQ(pairs, (std::vector<BoundaryPair>{{{}, 0}, {0, 1}, {1, 2}}));
}

TEST(BoundaryMatch, AnInstructionThatWasTakenOutIsGone) {
  const auto pairs = match_boundaries(
      {at("jump", kOne, "nop"), at("jump", kTwo, "push"), at("jump", kThree, "pop")},
      {at("jump", kOne, "push"), at("jump", kTwo, "pop")});
  EXPECT_EQ(pairs, (std::vector<BoundaryPair>{{1, 0}, {2, 1}, {0, {}}}));
}

TEST(BoundaryMatch, WithoutACommonInstructionTheNumberTells) {
  const auto pairs = match_boundaries({at("jump", kOne, "a"), at("jump", kTwo, "b")},
                                      {at("jump", kTwo, "c"), at("jump", kThree, "d")});
  EXPECT_EQ(pairs, (std::vector<BoundaryPair>{{1, 0}, {0, 1}}));
}

TEST(BoundaryMatch, WhatIsLeftIsPairedByItsOrderWithinTheSymbol) {
  const auto pairs = match_boundaries(
      {at("jump", "stub/live=s0#1", "a"), at("back", "fn/live=s0#1", "b")},
      {at("back", "fn/live=-#1", "x"), at("jump", "stub/live=-#1", "y"), at("other", kOne, "z")});
  EXPECT_EQ(pairs, (std::vector<BoundaryPair>{{1, 0}, {0, 1}, {{}, 2}}));
}

}  // namespace
}  // namespace sigsweep
