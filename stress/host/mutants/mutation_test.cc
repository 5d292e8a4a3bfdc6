// Each kind of mutation, on both families of ISAs: what it makes of an instruction, and what it leaves alone.
#include "stress/host/mutants/mutation.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sigsweep {
namespace {

using Texts = std::vector<std::string>;
using namespace std::string_literals;

// The mutants of some bytes by one kind, as "0xOFFSET AFTER".
Texts mutants(unsigned machine, const std::string& bytes, const std::string& kind) {
  const ProgramCode program(machine);
  Texts texts;
  for (const Mutant& each : mutants_of(program, program.made_of("f", bytes, 0x1000), "an-isa")) {
    EXPECT_EQ(each.old_bytes.size(), each.new_bytes.size()) << each.id;
    EXPECT_EQ(each.old_bytes, bytes.substr(each.offset, each.old_bytes.size())) << each.id;
    EXPECT_NE(each.old_bytes, each.new_bytes) << each.id;
    if (each.kind == kind) texts.push_back(std::to_string(each.offset) + " " + each.after);
  }
  return texts;
}
Texts amd64(const std::string& bytes, const std::string& kind) {
  return mutants(EM_X86_64, bytes, kind);
}
Texts arm(const std::string& bytes, const std::string& kind) {
  return mutants(EM_ARM, bytes, kind);
}

TEST(Mutation, DropsEachInstructionButWhatDoesNothing) {
  EXPECT_EQ(amd64("\x48\x8b\x48\x10\x90\xc3"s, "dropped"), (Texts{"0 nothing", "5 nothing"}));
  EXPECT_EQ(arm("\x08\x10\x9a\xe5"s, "dropped"), Texts{"0 nothing"});  // ldr r1, [sl, #8]
}

TEST(Mutation, MovesALoadOrAStoreToTheFieldsBesideIt) {
  EXPECT_EQ(amd64("\x48\x8b\x48\x10"s, "field"),
            (Texts{"0 movq 0x18(%rax), %rcx", "0 movq 8(%rax), %rcx"}));
  EXPECT_EQ(amd64("\x89\x60\x0c"s, "field"),  // a field of four bytes
            (Texts{"0 movl %esp, 0x10(%rax)", "0 movl %esp, 8(%rax)"}));
  EXPECT_EQ(amd64("\x48\x8b\x08"s, "field"), Texts{}) << "it has no displacement";
  EXPECT_EQ(amd64("\x48\x8b\x48\x7c"s, "field"), Texts{"0 movq 0x74(%rax), %rcx"})
      << "no room for the other";
  EXPECT_EQ(arm("\x08\x10\x9a\xe5"s, "field"),
            (Texts{"0 ldr r1, [sl, #0xc]", "0 ldr r1, [sl, #4]"}));
  EXPECT_EQ(arm("\x00\x10\x9a\xe5"s, "field"),
            (Texts{"0 ldr r1, [sl, #4]", "0 ldr r1, [sl, #-4]"}));
}

TEST(Mutation, ComparesARegisterWithItself) {
  EXPECT_EQ(amd64("\x48\x39\xf0"s, "compare"), Texts{"0 cmpq %rsi, %rsi"});
  EXPECT_EQ(amd64("\x48\x3b\x41\x08"s, "compare"), Texts{}) << "one of them is in memory";
  EXPECT_EQ(arm("\x02\x00\x5a\xe1"s, "compare"), Texts{"0 cmp sl, sl"});
}

TEST(Mutation, ChangesTheConditionOfABranch) {
  EXPECT_EQ(amd64("\x74\x10"s, "condition"),
            (Texts{"0 jne 0x1012", "0 jmp 0x1012", "0 jbe 0x1012", "0 jae 0x1012"}));
  EXPECT_EQ(amd64("\x0f\x85\x10\x00\x00\x00"s, "condition"),
            (Texts{"0 je 0x1016", "0 jmp 0x1016", "0 jbe 0x1016", "0 jae 0x1016"}));
  EXPECT_EQ(amd64("\xeb\x10"s, "condition"), Texts{}) << "it has none";
  EXPECT_EQ(arm("\x02\x00\x00\x0a"s, "condition"),
            (Texts{"0 bne #0x1010", "0 b #0x1010", "0 bls #0x1010", "0 bhs #0x1010"}));
}

TEST(Mutation, PutsAConstantOffByAWord) {
  EXPECT_EQ(amd64("\x48\x83\xec\x08"s, "constant"),
            (Texts{"0 subq $0x10, %rsp", "0 subq $0, %rsp"}));
  EXPECT_EQ(amd64("\x48\x8d\x44\x24\x08"s, "constant"),
            (Texts{"0 leaq 0x10(%rsp), %rax", "0 leaq (%rsp), %rax"}));
  EXPECT_EQ(arm("\x04\x30\x83\xe2"s, "constant"), (Texts{"0 add r3, r3, #8", "0 add r3, r3, #0"}));
}

TEST(Mutation, ReplacesEachRegisterByOneNearBy) {
  EXPECT_EQ(amd64("\x48\x8b\x48\x10"s, "register"),
            (Texts{"0 movq 0x10(%rax), %rax", "0 movq 0x10(%rcx), %rcx"}));
  EXPECT_EQ(amd64("\x50"s, "register"), Texts{"0 pushq %rcx"});
  EXPECT_EQ(amd64("\x48\xff\xc0"s, "register"), Texts{"0 incq %rcx"})
      << "a part of the opcode stays";
  EXPECT_EQ(arm("\x08\x10\x9a\xe5"s, "register"),
            (Texts{"0 ldr r1, [fp, #8]", "0 ldr r0, [sl, #8]"}));
}

TEST(Mutation, SwapsStoresThatLieSideBySide) {
  const std::string two = "\x48\x89\x60\x50\x48\x89\x40\x60";
  EXPECT_EQ(amd64(two, "swapped"), Texts{"0 movq %rax, 0x60(%rax); movq %rsp, 0x50(%rax)"});
  EXPECT_EQ(amd64("\x48\x89\x60\x50\x48\x8b\x40\x60"s, "swapped"), Texts{}) << "one is a load";
}

TEST(Mutation, MakesACallAJump) {
  EXPECT_EQ(amd64("\xe8\x00\x01\x00\x00"s, "call-jump"), Texts{"0 jmp 0x1105"});
  EXPECT_EQ(amd64("\xff\x12"s, "call-jump"), Texts{"0 jmpq *(%rdx)"});
  EXPECT_EQ(arm("\x02\x00\x00\xeb"s, "call-jump"), Texts{"0 b #0x1010"});
  EXPECT_EQ(arm("\x30\xff\x2f\xe1"s, "call-jump"), Texts{"0 bx r0"});
}

}  // namespace
}  // namespace sigsweep
