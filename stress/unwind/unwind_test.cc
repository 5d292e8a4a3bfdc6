// Each grade from frames that are made up, and both walks over real ones: from a handler that
// interrupts an operation of the register probe.
#include "stress/unwind/unwind.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "stress/subject/fake.h"

namespace sigsweep {

// How GoogleTest shows a grade.
void PrintTo(UnwindGrade grade, std::ostream* out);
void PrintTo(UnwindGrade grade, std::ostream* out) {
  *out << grade_name(grade);
}

namespace unwind {
namespace {

// Stack N is from 1000 * N on, for 1000 bytes.
class Stacks : public FakeSubject {
 public:
  std::vector<Region> regions;

  unsigned stack_of(std::uint64_t sp) const override {
    return static_cast<unsigned>(sp < 10000 ? sp / 1000 : 0);
  }
  unsigned stacks(std::span<Region> out) const override {
    std::copy(regions.begin(), regions.end(), out.begin());
    return static_cast<unsigned>(regions.size());
  }
};

// ---- grades of made-up frames. Code lies in [100, 200).

constexpr std::uint64_t kKept[trap::kKept] = {7, 8, 9};
constexpr KnownFrame kKnown[] = {{.reached = UnwindGrade::entry,
                                  .first_pc = 150,
                                  .last_pc = 152,
                                  .lowest_sp = 1800,
                                  .highest_sp = 1816},
                                 {.first_pc = 190,
                                  .last_pc = 190,
                                  .lowest_sp = 2500,
                                  .highest_sp = 2500,
                                  .kept_registers = kKept,
                                  .frame_pointer = 2540}};

Walk grade(const std::vector<UnwoundFrame>& frames) {
  const Stacks subject;
  const Region region{reinterpret_cast<const void*>(100), 100};
  const CodeRanges code({&region, 1});
  Grader grader(subject, code, kKnown);
  for (const UnwoundFrame& frame : frames) {
    if (!grader.take(frame)) break;
  }
  return grader.walk();
}

UnwoundFrame with_registers(std::uint64_t pc, std::uint64_t sp) {
  UnwoundFrame frame{.pc = pc, .sp = sp, .has_registers = true, .frame_pointer = 2540};
  std::copy(std::begin(kKept), std::end(kKept), frame.kept);
  return frame;
}

void expect(const std::vector<UnwoundFrame>& frames, UnwindGrade wanted, std::string_view detail) {
  const Walk walk = grade(frames);
  EXPECT_EQ(walk.grade, wanted) << walk.detail;
  EXPECT_EQ(walk.detail == nullptr ? "" : std::string_view(walk.detail), detail);
}

TEST(Grades, TheResumerWithItsRegisters) {
  expect({{110, 1100}, {150, 1800}, with_registers(190, 2500), {120, 2600}}, UnwindGrade::resumer,
         "");
}

TEST(Grades, TheEntryAtAnyOfItsPlaces) {
  for (std::uint64_t pc = 150; pc <= 152; pc++) {
    expect({{110, 1100}, {pc, 1800 + (pc - 150) * 8}}, UnwindGrade::entry,
           "truncated: it ends at the entry, not in the code that called");
  }
}

TEST(Grades, Truncated) {
  expect({{110, 1100}, {120, 1200}}, UnwindGrade::truncated,
         "truncated: it ends before the entry of the interrupted code");
  expect({}, UnwindGrade::truncated, "truncated: it ends before the entry of the interrupted code");
}

TEST(Grades, AWrongFrame) {
  expect({{110, 1100}, {200, 1200}}, UnwindGrade::wrong_frame, "wrong frame: its pc is in no code");
  expect({{110, 1100}, {190, 2508}}, UnwindGrade::wrong_frame,
         "wrong frame: a known one with another SP");
  expect({{110, 1100}, {151, 1824}}, UnwindGrade::wrong_frame,
         "wrong frame: a known one with another SP");
}

TEST(Grades, AWrongRegister) {
  for (unsigned i = 0; i < trap::kKept; i++) {
    UnwoundFrame frame = with_registers(190, 2500);
    frame.kept[i]++;
    expect({frame}, UnwindGrade::wrong_frame, trap::kUnwoundWrongly[i]);
  }
  UnwoundFrame frame = with_registers(190, 2500);
  frame.frame_pointer++;
  expect({frame}, UnwindGrade::wrong_frame, "wrong frame: a known one with another frame pointer");
  frame.has_registers = false;
  expect({frame}, UnwindGrade::resumer, "");
}

TEST(Grades, EndlessAtOnePlaceDownwardsAndAroundTwoStacks) {
  constexpr const char* kStays = "endless: it does not move up in its stack";
  expect({{110, 1100}, {110, 1100}}, UnwindGrade::endless, kStays);
  expect({{110, 1100}, {120, 1092}}, UnwindGrade::endless, kStays);
  std::vector<UnwoundFrame> round;
  for (unsigned i = 0; i <= kMostFrames; i++) round.push_back({110, i % 2 == 0 ? 1100U : 2100U});
  expect(round, UnwindGrade::endless, "endless: more than 256 frames");
  round.pop_back();
  EXPECT_EQ(grade(round).grade, UnwindGrade::truncated);
}

TEST(Grades, WhatComesAfterTheResumerCounts) {
  const UnwoundFrame resumer = with_registers(190, 2500);
  expect({resumer, {200, 2600}}, UnwindGrade::wrong_frame, "wrong frame: its pc is in no code");
  expect({resumer, {120, 2400}}, UnwindGrade::endless, "endless: it does not move up in its stack");
}

// ---- by frame pointers, over a made-up stack

#if defined(__x86_64__)

struct FramePointers : testing::Test {
  std::uint64_t stack[16] = {};
  Stacks subject;
  ucontext_t uc{};

  FramePointers() {
    prepare();
    subject.regions = {{stack, sizeof stack}};
    trap::set_context_register(&uc, trap::kPc, as_address(trap::probe_returns));
    trap::set_context_register(&uc, trap::kSp, as_address(stack));
    point_at(0);
  }
  void point_at(unsigned i) {
    trap::set_context_register(&uc, trap::kPreserved[trap::kKept], as_address(&stack[i]));
  }
  void link(unsigned from, std::uint64_t to, const void* pc) {
    stack[from] = to;
    stack[from + 1] = as_address(pc);
  }
  Walk walk() const {
    const auto caller = as_address(reinterpret_cast<const char*>(&prepare));
    const KnownFrame known{.first_pc = caller,
                           .last_pc = caller,
                           .lowest_sp = as_address(&stack[6]),
                           .highest_sp = as_address(&stack[6])};
    return by_frame_pointers(&uc, subject, {&known, 1});
  }
};

TEST_F(FramePointers, FindAKnownFrame) {
  link(0, as_address(&stack[4]), trap::probe_returns);
  link(4, 0, reinterpret_cast<const void*>(&prepare));
  EXPECT_EQ(walk().grade, UnwindGrade::resumer);
}

TEST_F(FramePointers, ReadNothingOutsideTheStacks) {
  for (const std::uint64_t outside : {std::uint64_t{8}, as_address(&stack[16]),
                                      as_address(&stack[15]), as_address(&stack[4]) + 4}) {
    link(0, outside, trap::probe_returns);
    EXPECT_EQ(walk().grade, UnwindGrade::truncated);
    EXPECT_EQ(walk().frames, 2U);
  }
}

TEST_F(FramePointers, GoRoundInACircle) {
  link(0, as_address(&stack[0]), trap::probe_returns);
  EXPECT_EQ(walk().grade, UnwindGrade::endless);
}

#endif

// ---- by call frame information, through a real signal's frame

trap::Probe probe;
const Stacks* the_subject;
std::function<void(KnownFrame*)> change;
Walk found;

void observe(int, siginfo_t*, void* context) {
  const auto address = as_address(trap::probe_returns);
  KnownFrame known{.first_pc = address,
                   .last_pc = address,
                   .lowest_sp = probe.sp_before,
                   .highest_sp = probe.sp_before,
                   .kept_registers = probe.kept_before,
                   .frame_pointer = probe.fp_before};
  if (change) change(&known);
  found = by_call_frames(static_cast<ucontext_t*>(context), *the_subject, {&known, 1});
}

// A handler that interrupts code below probe_call. `with`: what is known wrongly.
Walk walk_out(const Stacks& subject, const std::function<void(KnownFrame*)>& with = {}) {
  prepare();
  the_subject = &subject;
  change = with;
  struct sigaction act {
  }, before{};
  act.sa_sigaction = observe;
  act.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &act, &before);
  probe.over = [] {};
  for (unsigned i = 0; i < trap::kKept; i++) probe.kept_before[i] = 0x1000 + i;
  for (unsigned i = 0; i < trap::kControls; i++) {
    probe.control_before[i] = trap::kControlProbe[i];
  }
  trap::probe_call(
      &probe,
      [](void*) {
        raise(SIGUSR1);
        asm volatile("");
      },
      nullptr);
  sigaction(SIGUSR1, &before, nullptr);
  return found;
}

TEST(CallFrames, LeadThroughTheSignalsFrameToTheProbe) {
  const Walk walk = walk_out(Stacks());
  EXPECT_EQ(walk.grade, UnwindGrade::resumer) << walk.detail;
  EXPECT_GT(walk.frames, 5U);
}

TEST(CallFrames, AreHeldAgainstSpAndRegisters) {
  EXPECT_EQ(walk_out(Stacks(), [](KnownFrame* k) { k->lowest_sp = k->highest_sp += 8; }).grade,
            UnwindGrade::wrong_frame);
  EXPECT_EQ(walk_out(Stacks(), [](KnownFrame* k) { k->frame_pointer++; }).grade,
            UnwindGrade::wrong_frame);
  static std::uint64_t other[trap::kKept];
  EXPECT_STREQ(walk_out(Stacks(), [](KnownFrame* k) { k->kept_registers = other; }).detail,
               trap::kUnwoundWrongly[0]);
}

TEST(CallFrames, ThatLeadToNoKnownFrameAreTruncated) {
  EXPECT_EQ(walk_out(Stacks(), [](KnownFrame* k) { k->first_pc = ++k->last_pc; }).grade,
            UnwindGrade::truncated);
}

}  // namespace
}  // namespace unwind
}  // namespace sigsweep
