// Each rule: a mutant to which it applies, and one close to that to which it must not.
#include "stress/host/mutants/equivalent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#if defined(__x86_64__)
asm(R"(
  .macro FUNCTION name
  .type \name, @function
\name:
  .endm
  .macro DONE name
  .size \name, . - \name
  .endm
  .text
  FUNCTION equivalent_ends
  1: jmp 1b
  DONE equivalent_ends
  FUNCTION equivalent_returns
  ret
  DONE equivalent_returns

  FUNCTION equivalent_behind_an_end
  call equivalent_ends
  ud2
  DONE equivalent_behind_an_end
  FUNCTION equivalent_behind_a_return
  call equivalent_returns
  ud2
  DONE equivalent_behind_a_return

  FUNCTION equivalent_overwritten
  movq %rcx, %rsi
  movq %rdx, %rsi
  movq (%rsi), %rax
  ret
  DONE equivalent_overwritten
  FUNCTION equivalent_read_on_one_path
  movq %rcx, %rsi
  testq %rcx, %rcx
  je 1f
  movq %rdx, %rsi
  1: movq (%rsi), %rax
  ret
  DONE equivalent_read_on_one_path
  FUNCTION equivalent_load
  movq (%rcx), %rsi
  movq %rdx, %rsi
  movq (%rsi), %rax
  ret
  DONE equivalent_load
  FUNCTION equivalent_given_to_the_caller
  movq %rcx, %rax
  ret
  DONE equivalent_given_to_the_caller
  FUNCTION equivalent_given_to_the_callee
  movq %rcx, %rsi
  call *%rdx
  ret
  DONE equivalent_given_to_the_callee

  FUNCTION equivalent_pops
  popq %rsi
  popq %rsi
  movq (%rsi), %rax
  ret
  DONE equivalent_pops

  # Short jumps by their bytes: some builds of a test make each jump a long one.
  FUNCTION equivalent_tested
  testq %rcx, %rcx
  .byte 0x74, 8  # je 1f
  cmpq %rcx, %rdx
  .byte 0x74, 3  # je 1f
  incq %rax
  1: ret
  DONE equivalent_tested
  FUNCTION equivalent_jumped_into
  .byte 0x74, 3  # je 1f
  testq %rcx, %rcx
  1: .byte 0x74, 3  # je 2f
  incq %rax
  2: ret
  DONE equivalent_jumped_into

  FUNCTION equivalent_in_front_of_a_return
  ret
  DONE equivalent_in_front_of_a_return
  nop
  FUNCTION equivalent_in_front_of_more
  ret
  DONE equivalent_in_front_of_more
  nop
  FUNCTION equivalent_more
  incq %rax
  ret
  DONE equivalent_more
)");
#endif

namespace sigsweep {
namespace {

#if defined(__x86_64__)
const ProgramCode& program() {
  static const ProgramCode self("/proc/self/exe");
  return self;
}

// The rule for the mutant of a function above; "no such mutant".
std::string rule_for(const std::string& function_name, const std::string& mutant) {
  const std::string symbol = "equivalent_" + function_name;
  const auto function = program().function(symbol);
  const auto all = mutants_of(program(), function, "amd64");
  const auto found = std::ranges::find(all, symbol + mutant, &Mutant::id);
  if (found == all.end()) return "no such mutant";
  return equivalent_by(program(), function, *found);
}

TEST(Equivalent, BehindACallThatDoesNotReturn) {
  EXPECT_EQ(rule_for("behind_an_end", "+0x5:dropped:1"), "behind-a-call-that-does-not-return");
  EXPECT_EQ(rule_for("behind_a_return", "+0x5:dropped:1"), "");
  EXPECT_EQ(rule_for("behind_an_end", "+0x0:dropped:1"), "") << "the call itself";
}

TEST(Equivalent, OverwrittenBeforeItIsRead) {
  EXPECT_EQ(rule_for("overwritten", "+0x0:dropped:1"), "overwritten-before-it-is-read");
  EXPECT_EQ(rule_for("overwritten", "+0x3:dropped:1"), "") << "it is read behind it";
  EXPECT_EQ(rule_for("read_on_one_path", "+0x0:dropped:1"), "");
  EXPECT_EQ(rule_for("load", "+0x0:dropped:1"), "") << "a load may fault";
  EXPECT_EQ(rule_for("given_to_the_caller", "+0x0:dropped:1"), "");
  EXPECT_EQ(rule_for("given_to_the_callee", "+0x0:dropped:1"), "");
}

TEST(Equivalent, OverwrittenIsAlsoWhatAPopTakesFromTheStack) {
  EXPECT_EQ(rule_for("pops", "+0x0:register:1"), "overwritten-before-it-is-read");
  EXPECT_EQ(rule_for("pops", "+0x1:register:1"), "") << "it is read";
  EXPECT_EQ(rule_for("pops", "+0x0:dropped:1"), "") << "SP is another one";
}

TEST(Equivalent, SameCondition) {
  EXPECT_EQ(rule_for("tested", "+0x3:condition:3"), "same-condition");
  EXPECT_EQ(rule_for("tested", "+0x8:condition:3"), "") << "a comparison may leave a borrow";
  EXPECT_EQ(rule_for("tested", "+0x3:condition:4"), "") << "the opposite of a borrow";
  EXPECT_EQ(rule_for("jumped_into", "+0x5:condition:3"), "") << "other flags may come by the jump";
}

TEST(Equivalent, ComesToTheSame) {
  EXPECT_EQ(rule_for("in_front_of_a_return", "+0x0:dropped:1"), "comes-to-the-same");
  EXPECT_EQ(rule_for("in_front_of_more", "+0x0:dropped:1"), "");
}
#endif

}  // namespace
}  // namespace sigsweep
