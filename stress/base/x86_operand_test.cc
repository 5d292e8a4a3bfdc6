// Each instruction as the assembler writes it.
#include "stress/base/x86_operand.h"

#include <gtest/gtest.h>

#include <vector>

namespace sigsweep {
namespace {

using Bytes = std::vector<unsigned char>;
using Kind = X86Instruction::Kind;

X86Instruction wide(const Bytes& bytes) {
  return decode_x86(bytes, true);
}

TEST(X86Operand, LoadsAndMovesTellWhereAValueComesFrom) {
  const auto load = wide({0x48, 0x8b, 0x67, 0x18});  // movq 0x18(%rdi), %rsp
  EXPECT_EQ(load.kind, Kind::load);
  EXPECT_EQ(load.to, kStackPointer);
  EXPECT_TRUE(load.has_memory);
  EXPECT_EQ(load.base, 7);
  EXPECT_EQ(load.displacement, 0x18);
  EXPECT_EQ(load.length, 4U);
  const auto move = wide({0x48, 0x89, 0xfc});  // movq %rdi, %rsp
  EXPECT_EQ(move.kind, Kind::move);
  EXPECT_EQ(move.to, kStackPointer);
  EXPECT_EQ(move.from, 7);
  EXPECT_FALSE(move.has_memory);
  const auto reversed = wide({0x4c, 0x8b, 0xe0});  // movq %rax, %r12, in its other form
  EXPECT_EQ(reversed.kind, Kind::move);
  EXPECT_EQ(reversed.to, 12);
  EXPECT_EQ(reversed.from, 0);
}

TEST(X86Operand, AllPartsOfAnAddress) {
  const auto indexed = wide({0x4a, 0x8b, 0x54, 0xa0, 0xf8});  // movq -8(%rax,%r12,4), %rdx
  EXPECT_EQ(indexed.base, 0);
  EXPECT_EQ(indexed.index, 12);
  EXPECT_EQ(indexed.scale, 4U);
  EXPECT_EQ(indexed.displacement, -8);
  EXPECT_EQ(indexed.length, 5U);
  const auto by_pc = wide({0x48, 0x8b, 0x05, 0x10, 0, 0, 0});  // movq 0x10(%rip), %rax
  EXPECT_TRUE(by_pc.of_next);
  EXPECT_EQ(by_pc.base, kNoRegister);
  EXPECT_EQ(by_pc.displacement, 0x10);
  EXPECT_EQ(by_pc.length, 7U);
  const auto of_thread = wide({0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff});
  EXPECT_TRUE(of_thread.of_segment);  // movq %fs:-8, %rax
  EXPECT_EQ(of_thread.base, kNoRegister);
  EXPECT_EQ(of_thread.displacement, -8);
  EXPECT_FALSE(of_thread.of_next);
  const auto of_386 = decode_x86(Bytes{0x8b, 0x05, 4, 0, 0, 0}, false);  // movl 4, %eax
  EXPECT_FALSE(of_386.of_next);
  EXPECT_EQ(of_386.displacement, 4);
}

TEST(X86Operand, WhatMovesTheStackPointer) {
  EXPECT_EQ(wide({0xc3}).kind, Kind::ret);
  EXPECT_EQ(wide({0x41, 0x5f}).to, 15);  // popq %r15
  EXPECT_EQ(wide({0x55}).kind, Kind::push);
  EXPECT_EQ(wide({0xe8, 0, 0, 0, 0}).kind, Kind::call);
  EXPECT_EQ(wide({0xc9}).from, 5);
  const auto sub = wide({0x48, 0x83, 0xec, 0x08});  // subq $8, %rsp
  EXPECT_EQ(sub.kind, Kind::adjust);
  EXPECT_EQ(sub.to, kStackPointer);
  const auto lea = wide({0x48, 0x8d, 0x64, 0x24, 0xc8});  // leaq -0x38(%rsp), %rsp
  EXPECT_EQ(lea.kind, Kind::adjust);
  EXPECT_FALSE(lea.has_memory);
}

TEST(X86Operand, JumpsAndCallsThroughRegistersAndMemory) {
  EXPECT_EQ(wide({0xff, 0x12}).kind, Kind::call_memory);  // callq *(%rdx)
  EXPECT_EQ(wide({0xff, 0x12}).base, 2);
  EXPECT_EQ(wide({0xff, 0xe1}).kind, Kind::jump_register);  // jmpq *%rcx
  EXPECT_EQ(wide({0xff, 0xe1}).from, 1);
  EXPECT_EQ(wide({0x41, 0xff, 0xe0}).from, 8);  // jmpq *%r8
}

TEST(X86Operand, StoresHaveTheirOperandAndSetNoRegister) {
  const auto store = wide({0x48, 0x89, 0x60, 0x38});  // movq %rsp, 0x38(%rax)
  EXPECT_EQ(store.kind, Kind::other);
  EXPECT_TRUE(store.has_memory);
  EXPECT_EQ(store.to, kNoRegister);
  const auto constant = wide({0x48, 0xc7, 0x40, 0x38, 0, 0, 0, 0});  // movq $0, 0x38(%rax)
  EXPECT_EQ(constant.length, 8U);
  EXPECT_TRUE(constant.has_memory);
}

TEST(X86Operand, OfWhatIsCutOffNothingIsSaid) {
  EXPECT_EQ(wide({}).length, 0U);
  const auto cut = wide({0x48, 0x8b, 0x05, 0x10});
  EXPECT_EQ(cut.kind, Kind::other);
  EXPECT_EQ(cut.length, 0U);
}

}  // namespace
}  // namespace sigsweep
