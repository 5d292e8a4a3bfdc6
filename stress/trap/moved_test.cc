// Which instructions can be moved, and what they are there.
#include "stress/trap/moved.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace sigsweep::trap {
namespace {

using Code = std::vector<unsigned char>;
constexpr std::uint64_t kFrom = 0x10000, kTo = 0x50000;

Moved moved(const Code& code, const std::set<std::uint64_t>& targets = {}) {
  return move_instructions(code, kFrom, kTo, 5,
                           [&](std::uint64_t at) { return targets.contains(at); });
}
Code bytes(const Moved& moved) {
  return {moved.code, moved.code + moved.size};
}
// The jump back that ends a copy: to the address behind what is covered.
Code with_jump(Code code, std::uint64_t target) {
  const auto distance = static_cast<std::uint32_t>(target - (kTo + code.size() + 5));
  code.push_back(0xe9);
  for (unsigned i = 0; i < 4; i++) code.push_back(static_cast<unsigned char>(distance >> 8 * i));
  return code;
}

TEST(Moved, PlainInstructionsAreCopiedWhole) {
  const Code code = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x08, 0x90};
  const Moved it = moved(code);
  EXPECT_EQ(it.covered, 8U);
  EXPECT_EQ(it.instructions, 3U);
  EXPECT_EQ(it.places[2].from, 4U);
  EXPECT_EQ(bytes(it), with_jump(Code(code.begin(), code.begin() + 8), kFrom + 8));
}

TEST(Moved, NothingBehindTheFirstMayBeATarget) {
  const Code code = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x08};
  EXPECT_EQ(moved(code, {kFrom + 4}).size, 0U);
  EXPECT_NE(moved(code, {kFrom}).size, 0U);
  EXPECT_NE(moved(code, {kFrom + 8}).size, 0U);
}

TEST(Moved, ADistanceIsThatOfTheCopy) {
  const Code code = {0x48, 0x8b, 0x05, 0x10, 0, 0, 0};  // movq 16(%rip), %rax
  const Code copy = {0x48, 0x8b, 0x05, 0x10, 0, 0xfc, 0xff};
  EXPECT_EQ(bytes(moved(code)), with_jump(copy, kFrom + 7));
}

TEST(Moved, AShortBranchBecomesALongOne) {
  const Code code = {0x74, 0x02, 0x31, 0xc0, 0x90, 0x90};  // je .+4; xorl; nops
  const auto distance = static_cast<std::uint32_t>(kFrom + 4 - (kTo + 6));
  Code copy = {0x0f, 0x84};
  for (unsigned i = 0; i < 4; i++) copy.push_back(static_cast<unsigned char>(distance >> 8 * i));
  copy.insert(copy.end(), {0x31, 0xc0, 0x90});
  EXPECT_EQ(bytes(moved(code)), with_jump(copy, kFrom + 5));
}

// It pushes the address that the call itself would.
TEST(Moved, ACallComesBackToTheCode) {
  const Moved it = moved({0xe8, 0, 1, 0, 0, 0x90});
  const Code start = {0x48, 0x8d, 0x64, 0x24, 0xf8, 0xc7, 0x04, 0x24, 0x05, 0, 0x01, 0};
  ASSERT_GT(it.size, start.size());
  EXPECT_TRUE(std::equal(start.begin(), start.end(), it.code));
  EXPECT_EQ(it.covered, 5U);
}

// A return to the middle of the jump would go astray.
TEST(Moved, NothingBehindAShortCallIsCovered) {
  EXPECT_EQ(moved({0xff, 0xd1, 0x90, 0x90, 0x90, 0x90}).size, 0U);
  EXPECT_EQ(moved({0x90, 0xff, 0xd1, 0x90, 0x90, 0x90}).size, 0U);
  EXPECT_NE(moved({0x90, 0x90, 0x90, 0xff, 0xd1, 0x90}).size, 0U);
}

TEST(Moved, BehindAnEndOnlyFilling) {
  EXPECT_NE(moved({0xc3, 0x66, 0x0f, 0x1f, 0x44, 0, 0}).size, 0U);
  EXPECT_NE(moved({0xc3, 0x90, 0x90, 0xcc, 0xcc, 0xcc}).size, 0U);
  EXPECT_EQ(moved({0xc3, 0x55, 0x48, 0x89, 0xe5, 0x90}).size, 0U);
  EXPECT_EQ(moved({0xc3, 0x90, 0x90, 0x90, 0x90, 0x90}, {kFrom + 2}).size, 0U);
}

TEST(Moved, WhatIsNotKnownStays) {
  EXPECT_EQ(moved({0x0f, 0x05, 0x90, 0x90, 0x90, 0x90}).size, 0U);        // a system call
  EXPECT_EQ(moved({0xe2, 0xfe, 0x90, 0x90, 0x90, 0x90}).size, 0U);        // loop
  EXPECT_EQ(moved({0xc5, 0xf8, 0x77, 0x90, 0x90, 0x90}).size, 0U);        // vzeroupper
  EXPECT_EQ(moved({0xff, 0x14, 0x24, 0x90, 0x90, 0x90, 0x90}).size, 0U);  // callq *(%rsp)
  EXPECT_EQ(moved({0x55}).size, 0U);                                      // it is cut off
}

TEST(Moved, EachTargetIsNamed) {
  const Code code = {0xeb, 0x03, 0x48, 0x8d, 0x0d, 0x20, 0, 0, 0};  // jmp .+5; leaq 32(%rip), %rcx
  std::set<std::uint64_t> targets;
  each_target(code, kFrom, [&](std::uint64_t target) { targets.insert(target); });
  EXPECT_TRUE(targets.contains(kFrom + 5));
  EXPECT_TRUE(targets.contains(kFrom + 9 + 0x20));
}

}  // namespace
}  // namespace sigsweep::trap
