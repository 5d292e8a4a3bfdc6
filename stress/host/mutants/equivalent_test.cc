// Each rule: a mutant to which it applies, and one close to that to which it must not.
#include "stress/host/mutants/equivalent.h"

#include <elf.h>
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

  FUNCTION equivalent_stores
  movq %rax, 8(%rdi)
  movq %rcx, 24(%rdi)
  movl %eax, 28(%rdi)
  movq %rcx, (%rdi)
  movq %rcx, 8(%rsi)
  ret
  DONE equivalent_stores
  FUNCTION equivalent_own_words
  movq %rax, 8(%rdi)
  movq %rcx, %fs:0
  ret
  DONE equivalent_own_words
  FUNCTION equivalent_own_words_by_a_pointer
  movq %fs:0, %rdi
  movq %rax, 8(%rdi)
  movq %rcx, %fs:0
  ret
  DONE equivalent_own_words_by_a_pointer

  FUNCTION equivalent_pushed_twice
  movq 8(%rsi), %rsp
  pushq %rax
  pushq %rax
  call *%rdx
  popq %rax
  popq %rax
  movq 16(%rax), %rsp
  ret
  DONE equivalent_pushed_twice
  FUNCTION equivalent_pushed_others
  movq 8(%rsi), %rsp
  pushq %rax
  pushq %rcx
  call *%rdx
  popq %rax
  popq %rax
  movq 16(%rax), %rsp
  ret
  DONE equivalent_pushed_others
  FUNCTION equivalent_pushed_and_gone_back
  movq 8(%rsi), %rsp
  pushq %rax
  pushq %rax
  call *%rdx
  popq %rax
  popq %rax
  ret
  DONE equivalent_pushed_and_gone_back
  FUNCTION equivalent_pushed_again
  movq 8(%rsi), %rsp
  pushq %rax
  pushq %rax
  popq %rax
  popq %rax
  pushq %rax
  movq 16(%rax), %rsp
  ret
  DONE equivalent_pushed_again
  FUNCTION equivalent_pushed_and_jumped_over
  movq 8(%rsi), %rsp
  pushq %rcx
  .byte 0x74, 1  # je 1f
  pushq %rax
  1: pushq %rax
  popq %rax
  popq %rax
  movq 16(%rax), %rsp
  ret
  DONE equivalent_pushed_and_jumped_over
  FUNCTION equivalent_moved
  movq 8(%rsi), %rsp
  pushq %rax
  pushq %rax
  call *%rdx
  addq $8, %rsp
  popq %rax
  movq 16(%rax), %rsp
  ret
  DONE equivalent_moved
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
std::string rule_for(const std::string& function_name, const std::string& mutant,
                     const Unread& unread = {}) {
  const std::string symbol = "equivalent_" + function_name;
  const auto function = program().function(symbol);
  const auto all = mutants_of(program(), function, "amd64");
  const auto found = std::ranges::find(all, symbol + mutant, &Mutant::id);
  if (found == all.end()) return "no such mutant";
  return equivalent_by(program(), function, *found, {{symbol, unread}});
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
  const Unread by_callees{{}, {"rsi"}};
  EXPECT_EQ(rule_for("given_to_the_callee", "+0x0:dropped:1", by_callees),
            "overwritten-before-it-is-read")
      << "the subject says that it does not read it";
  EXPECT_EQ(rule_for("given_to_the_caller", "+0x0:dropped:1", {{}, {"rax"}}), "");
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

TEST(Equivalent, OrderThatNoReaderSees) {
  const char* const rule = "order-that-no-reader-sees";
  EXPECT_EQ(rule_for("stores", "+0x0:swapped:1", {{8}}), rule);
  EXPECT_EQ(rule_for("stores", "+0x0:swapped:1", {{24}}), rule) << "either of the two";
  EXPECT_EQ(rule_for("stores", "+0x0:swapped:1", {{16}}), "") << "both have readers";
  EXPECT_EQ(rule_for("stores", "+0x0:swapped:1"), "");
  EXPECT_EQ(rule_for("stores", "+0x4:swapped:1", {{24, 28}}), "") << "they overlap";
  EXPECT_EQ(rule_for("stores", "+0xb:swapped:1", {{8}}), "") << "two registers may be one address";
  EXPECT_EQ(rule_for("stores", "+0x0:dropped:1", {{8}}), "") << "it is gone, not moved";
}

TEST(Equivalent, OrderOfAWordOfTheThreadsOwn) {
  EXPECT_EQ(rule_for("own_words", "+0x0:swapped:1", {{8}}), "order-that-no-reader-sees");
  EXPECT_EQ(rule_for("own_words", "+0x0:swapped:1", {{0}}), "") << "a word behind a segment";
  EXPECT_EQ(rule_for("own_words_by_a_pointer", "+0x9:swapped:1", {{8}}), "")
      << "the pointer may lead to it";
}

// On arm a load may move SP, too.
TEST(Equivalent, StackPointerLoadedAnew) {
  const auto rule_on_arm = [](const std::string& code, const std::string& kind) {
    const ProgramCode arm(EM_ARM);
    const auto function = arm.made_of("f", code, 0x1000);
    for (const Mutant& each : mutants_of(arm, function, "arm")) {
      if (each.kind == kind && each.offset == 0) return equivalent_by(arm, function, each);
    }
    return std::string("no such mutant");
  };
  using namespace std::string_literals;
  const std::string pops = "\x08\xa0\x9d\xe4"s;     // ldr sl, [sp], #8
  const std::string loads = "\x0c\xd0\x9a\xe5"s;    // ldr sp, [sl, #0xc]
  const std::string reads = "\x00\x00\x9d\xe5"s;    // ldr r0, [sp]
  const std::string returns = "\x1e\xff\x2f\xe1"s;  // bx lr
  EXPECT_EQ(rule_on_arm(pops + loads + returns, "field"), "stack-pointer-loaded-anew");
  EXPECT_EQ(rule_on_arm(pops + reads + loads + returns, "field"), "") << "SP is read";
  EXPECT_EQ(rule_on_arm(pops + returns, "field"), "") << "the caller has another SP";
  EXPECT_EQ(rule_on_arm(pops + loads + returns, "dropped"), "") << "sl is another one, too";
}

TEST(Equivalent, TakesTheSameWords) {
  const char* const rule = "takes-the-same-words";
  EXPECT_EQ(rule_for("pushed_twice", "+0x8:dropped:1"), rule) << "the first";
  EXPECT_EQ(rule_for("pushed_twice", "+0x9:dropped:1"), rule) << "the second";
  EXPECT_EQ(rule_for("pushed_twice", "+0x9:register:1"), rule);
  EXPECT_EQ(rule_for("pushed_twice", "+0x5:dropped:1"), "") << "a push";
  EXPECT_EQ(rule_for("pushed_others", "+0x8:dropped:1"), "");
  EXPECT_EQ(rule_for("pushed_others", "+0x9:dropped:1"), "");
  EXPECT_EQ(rule_for("pushed_and_gone_back", "+0x9:dropped:1"), "") << "SP is read";
  EXPECT_EQ(rule_for("pushed_again", "+0x7:dropped:1"), "") << "SP is read";
  EXPECT_EQ(rule_for("pushed_and_jumped_over", "+0x9:dropped:1"), "") << "by another path";
}

TEST(Equivalent, TakesTheSameWordsAlsoBehindAMoveOfTheStackPointer) {
  EXPECT_EQ(rule_for("moved", "+0x8:constant:2"), "takes-the-same-words") << "8 becomes 0";
  EXPECT_EQ(rule_for("moved", "+0x8:constant:1"), "") << "8 becomes 16: nobody pushed that";
  EXPECT_EQ(rule_for("moved", "+0x8:dropped:1"), "takes-the-same-words");
}
#endif

}  // namespace
}  // namespace sigsweep
