// Tests of the oracle: one golden observation for each verdict, which of two verdicts wins when
// both apply, and each way in which a rule can apply.
#include "stress/oracle/oracle.h"

#include <gtest/gtest.h>

#include <cstring>
#include <ostream>
#include <set>
#include <string>

#include "stress/subject/fake.h"

namespace sigsweep {

// How GoogleTest shows a verdict.
void PrintTo(Verdict v, std::ostream* out);
void PrintTo(Verdict v, std::ostream* out) {
  *out << verdict_name(v);
}

namespace {

constexpr const char* kRejection = "a test's rejection";
constexpr const char* kOwnEnd = "a test site's own end";

enum SiteIndex : unsigned { PLAIN, OUTER, INNER, THROWS, LEAVES, HANDLER };
enum ProtocolIndex : unsigned { RAW, REJECTS };

Site site(std::string_view name, SlotMask in, SlotMask out) {
  Site s{};
  s.name = name;
  s.in = in;
  s.out = out;
  return s;
}

// Some sites and protocols. Not to be copied: its sites refer to each other.
void fill(FakeSubject* subject) {
  subject->fake_reject_message = kRejection;
  std::vector<Site>& sites = subject->fake_sites;
  sites.resize(6);
  sites[PLAIN] = site("plain", 0b0011, 0b0100);
  sites[PLAIN].zeroed = 0b1000;
  sites[OUTER] = site("outer", 0b0001, 0b0010);
  sites[OUTER].inner = &sites[INNER];
  sites[INNER] = site("inner", 0b0100, 0b1000);
  sites[THROWS] = site("throws", 0b0001, 0);
  sites[THROWS].end_message = kOwnEnd;
  sites[LEAVES] = site("leaves", 0, 0);
  sites[LEAVES].leaves = true;
  sites[HANDLER] = site("handler", 0b0001, 0b0010);
  subject->fake_protocols.resize(2);
  subject->fake_protocols[RAW].name = "raw";
  subject->fake_protocols[REJECTS].name = "rejects";
  subject->fake_protocols[REJECTS].must_reject = true;
}

// A call that went as it should.
Call good_call(std::uint64_t nonce) {
  Call call{};
  for (unsigned i = 0; i < kMaxSlots; i++) {
    call.in[i] = call.seen[i] = nonce + i;
    call.made[i] = call.got[i] = nonce + 100 + i;
  }
  call.fn_runs = call.returns = 1;
  return call;
}

// All inputs of a verdict.
struct World {
  FakeSubject subject;
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  unsigned protocol = RAW;
  unsigned site = PLAIN;
  bool with_handler = true;
  Observation seen;

  // An ok trial: one signal, sent, landed, and its handler's call carried out.
  World() {
    fill(&subject);
    seen.requested = seen.hits = seen.landed = seen.entered = seen.exited = 1;
    seen.op = good_call(1000);
    seen.handler[0] = good_call(2000);
  }
  Judgement judge() const {
    const Site* const handlers[] = {with_handler ? &subject.sites()[HANDLER] : nullptr};
    return sigsweep::judge(subject, subject.protocols()[protocol], subject.sites()[site], handlers,
                           seen);
  }
};

void reject(World* w) {
  w->protocol = REJECTS;
  w->seen.end = End::thrown;
  w->seen.message = kRejection;
  w->seen.thrown_in_handler = true;
}

Backtrace backtrace(UnwindGrade grade, UnwindGrade least) {
  return {.taken = true, .grade = grade, .least = least, .detail = "a test's detail"};
}

// The golden case of a verdict: an ok trial with one change. For the verdicts about a rejection,
// the change starts from the right one, `rejected`.
struct Golden {
  Verdict verdict;
  void (*change)(World*);
};
constexpr Golden kGolden[] = {
    {Verdict::crash, [](World* w) { w->seen.end = End::faulted; }},
    {Verdict::hang, [](World* w) { w->seen.end = End::timed_out; }},
    {Verdict::missed_reject, [](World* w) { w->protocol = REJECTS; }},
    {Verdict::false_reject,
     [](World* w) {
       reject(w);
       w->seen.thrown_in_handler = false;
     }},
    {Verdict::bad_reject,
     [](World* w) {
       reject(w);
       w->seen.changed_before_throw = true;
     }},
    {Verdict::rejected, reject},
    {Verdict::wrong_switch, [](World* w) { w->seen.op.fn_runs = 2; }},
    {Verdict::stack_smash, [](World* w) { w->seen.smashed = true; }},
    {Verdict::state_leak, [](World* w) { w->seen.leaked = "errno"; }},
    {Verdict::handler_clobbered, [](World* w) { w->seen.handler[0].seen[0] = 1; }},
    {Verdict::arg_clobbered, [](World* w) { w->seen.op.seen[1] = 2000; }},
    {Verdict::result_clobbered, [](World* w) { w->seen.op.got[2] = 2100; }},
    {Verdict::slot_leak, [](World* w) { w->seen.slots_left = 0b1000; }},
    {Verdict::lost_signal, [](World* w) { w->seen.hits = 2; }},
    {Verdict::endless_backtrace,
     [](World* w) { w->seen.backtrace = backtrace(UnwindGrade::endless, UnwindGrade::endless); }},
    {Verdict::broken_backtrace,
     [](World* w) { w->seen.backtrace = backtrace(UnwindGrade::entry, UnwindGrade::resumer); }},
    {Verdict::ok, [](World*) {}},
};

// Every verdict of the list (the names stand in the enumerators' order) has its golden case.
constexpr bool golden_follows_the_list() {
  for (unsigned i = 0; i < kVerdicts; i++) {
    if (kGolden[i].verdict != static_cast<Verdict>(i)) return false;
  }
  return true;
}
static_assert(std::size(kGolden) == kVerdicts);
static_assert(golden_follows_the_list());

class EachVerdict : public testing::TestWithParam<unsigned> {};

TEST_P(EachVerdict, HasItsGoldenObservation) {
  World w;
  kGolden[GetParam()].change(&w);
  EXPECT_EQ(w.judge().verdict, kGolden[GetParam()].verdict);
}

TEST_P(EachVerdict, IsFoundByItsName) {
  EXPECT_EQ(verdict_from_name(kVerdictNames[GetParam()]), kGolden[GetParam()].verdict);
}

// A trial ends in only one way: two verdicts about different ends never both apply.
bool exclude_each_other(Verdict a, Verdict b) {
  const auto of_rejection = [](Verdict v) {
    return v == Verdict::false_reject || v == Verdict::bad_reject || v == Verdict::rejected;
  };
  if (of_rejection(b))
    return a == Verdict::crash || a == Verdict::hang || a == Verdict::missed_reject;
  return a == Verdict::crash && b == Verdict::hang;
}

TEST_P(EachVerdict, WinsOverEachLaterOne) {
  const Golden& earlier = kGolden[GetParam()];
  for (unsigned i = GetParam() + 1; i < kVerdicts; i++) {
    const Golden& later = kGolden[i];
    if (exclude_each_other(earlier.verdict, later.verdict)) continue;
    World w;
    later.change(&w);
    ASSERT_EQ(w.judge().verdict, later.verdict);
    earlier.change(&w);
    EXPECT_EQ(w.judge().verdict, earlier.verdict) << "against " << verdict_name(later.verdict);
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachVerdict, testing::Range(0U, kVerdicts), [](const auto& info) {
  std::string name(kVerdictNames[info.param]);
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

TEST(Verdicts, NamesAreDistinctAndUnknownOnesAreNone) {
  const std::set<std::string_view> names(std::begin(kVerdictNames), std::end(kVerdictNames));
  EXPECT_EQ(names.size(), kVerdicts);
  EXPECT_EQ(verdict_from_name("okay"), std::nullopt);
  EXPECT_EQ(verdict_from_name(""), std::nullopt);
}

// ---- crash

TEST(Crash, AThrowThatNothingCalledFor) {
  World w;
  w.seen.end = End::thrown;
  w.seen.message = "out of memory";
  EXPECT_EQ(w.judge().verdict, Verdict::crash);
  EXPECT_STREQ(w.judge().detail, "out of memory");
}

void end_by_own_throw(World* w) {
  w->site = THROWS;
  w->seen.end = End::thrown;
  w->seen.message = kOwnEnd;
  w->seen.op.returns = 0;
}

TEST(Crash, TheSitesOwnThrowIsNone) {
  World w;
  end_by_own_throw(&w);
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(Crash, TheSitesOwnThrowOutOfAHandler) {
  World w;
  end_by_own_throw(&w);
  w.seen.thrown_in_handler = true;
  EXPECT_EQ(w.judge().verdict, Verdict::crash);
}

TEST(Crash, AnotherSitesThrow) {
  World w;
  end_by_own_throw(&w);
  w.site = PLAIN;
  EXPECT_EQ(w.judge().verdict, Verdict::crash);
}

// ---- rejections

TEST(MissedReject, OnlyWhereAHandlerCalled) {
  World w;
  w.protocol = REJECTS;
  w.with_handler = false;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(MissedReject, OnlyOnceAHandlerWasEntered) {
  World w;
  w.protocol = REJECTS;
  w.seen.entered = w.seen.exited = w.seen.hits = w.seen.landed = 0;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(FalseReject, InAProtocolThatRejectsNothing) {
  World w;
  reject(&w);
  w.protocol = RAW;
  EXPECT_EQ(w.judge().verdict, Verdict::false_reject);
}

// ---- wrong-switch

void expect_wrong_switch(const World& w, std::string_view detail) {
  const Judgement j = w.judge();
  EXPECT_EQ(j.verdict, Verdict::wrong_switch);
  EXPECT_EQ(j.detail == nullptr ? "" : std::string_view(j.detail), detail);
}

TEST(WrongSwitch, WhatTheEngineSawMisplaced) {
  World w;
  w.seen.misplaced = "another SP";
  expect_wrong_switch(w, "another SP");
}

TEST(WrongSwitch, AHandlerThatNeverFinished) {
  World w;
  w.seen.exited = 0;
  expect_wrong_switch(w, "a handler never finished");
}

TEST(WrongSwitch, FnThatDidNotRunOnce) {
  World w;
  w.seen.op.fn_runs = 0;
  expect_wrong_switch(w, "fn never ran");
  w.seen.op.fn_runs = 2;
  expect_wrong_switch(w, "fn ran more than once");
}

TEST(WrongSwitch, AnOperationThatDidNotReturnOnce) {
  for (std::uint32_t returns : {0U, 2U}) {
    World w;
    w.seen.op.returns = returns;
    expect_wrong_switch(w, "the operation did not return exactly once");
  }
}

TEST(WrongSwitch, AnOperationThatLeavesDoesNotReturn) {
  World w;
  w.site = LEAVES;
  expect_wrong_switch(w, "the operation did not return exactly once");
  w.seen.op.returns = 0;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(WrongSwitch, AnOperationThatShouldHaveThrown) {
  World w;
  end_by_own_throw(&w);
  w.seen.end = End::finished;
  expect_wrong_switch(w, "the operation did not end by its throw");
}

TEST(WrongSwitch, FnThatRanWhereItShouldNot) {
  World w;
  w.subject.wrong_place = "fn ran on a wrong stack";
  expect_wrong_switch(w, "fn ran on a wrong stack");
}

// ---- the values

TEST(HandlerClobbered, ItsFnDidNotRunOrReturnOnce) {
  for (auto count : {&Call::fn_runs, &Call::returns}) {
    World w;
    w.seen.handler[0].*count = 0;
    EXPECT_EQ(w.judge().verdict, Verdict::handler_clobbered);
  }
}

TEST(HandlerClobbered, ItsFnRanWhereItShouldNot) {
  World w;
  w.subject.wrong_handler_place = "fn ran with a wrong g";
  EXPECT_EQ(w.judge().verdict, Verdict::handler_clobbered);
  EXPECT_STREQ(w.judge().detail, "fn ran with a wrong g");
}

TEST(HandlerClobbered, ItsResult) {
  World w;
  w.seen.handler[0].got[1] = 0;
  EXPECT_EQ(w.judge().verdict, Verdict::handler_clobbered);
  EXPECT_EQ(w.judge().slots, 0b0010U);
}

TEST(HandlerClobbered, NotIfItCallsNothingOrWasNeverEntered) {
  World w;
  w.seen.handler[0] = Call{};
  w.with_handler = false;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
  w.with_handler = true;
  w.seen.hits = w.seen.landed = w.seen.entered = w.seen.exited = 0;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(Clobbered, NamesExactlyTheSlots) {
  World w;
  w.seen.op.seen[0] = w.seen.op.seen[1] = 7;
  EXPECT_EQ(w.judge().verdict, Verdict::arg_clobbered);
  EXPECT_EQ(w.judge().slots, 0b0011U);
}

TEST(Clobbered, SlotsThatTheSiteDoesNotUseDoNotCount) {
  World w;
  for (unsigned i = 2; i < kMaxSlots; i++) w.seen.op.seen[i] = 7;
  for (unsigned i : {0U, 1U, 3U, 7U}) w.seen.op.got[i] = 7;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(Clobbered, InTheCallThatFnMakes) {
  Call inner = good_call(3000);
  World w;
  w.site = OUTER;
  w.seen.op.inner = &inner;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
  inner.got[3] = 7;
  EXPECT_EQ(w.judge().verdict, Verdict::result_clobbered);
  EXPECT_EQ(w.judge().slots, 0b1000U);
  inner.seen[2] = 7;
  EXPECT_EQ(w.judge().verdict, Verdict::arg_clobbered);
  EXPECT_EQ(w.judge().slots, 0b0100U);
}

// ---- backtraces

TEST(Backtraces, BelowTheLeastGradeAreBroken) {
  constexpr UnwindGrade kAll[] = {UnwindGrade::endless, UnwindGrade::wrong_frame,
                                  UnwindGrade::truncated, UnwindGrade::entry, UnwindGrade::resumer};
  for (const UnwindGrade least : kAll) {
    for (const UnwindGrade grade : kAll) {
      World w;
      w.seen.backtrace = backtrace(grade, least);
      const Verdict expected = grade == UnwindGrade::endless ? Verdict::endless_backtrace
                               : grade < least               ? Verdict::broken_backtrace
                                                             : Verdict::ok;
      const Judgement j = w.judge();
      EXPECT_EQ(j.verdict, expected) << grade_name(grade) << " of " << grade_name(least);
      if (expected != Verdict::ok) {
        EXPECT_STREQ(j.detail, "a test's detail");
      }
    }
  }
}

TEST(Backtraces, ThatWereNotTakenAreNotJudged) {
  World w;
  w.seen.backtrace = backtrace(UnwindGrade::endless, UnwindGrade::resumer);
  w.seen.backtrace.taken = false;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

TEST(Crash, OfTheUnwinderIsCalledSo) {
  World w;
  w.seen.end = End::faulted;
  w.seen.unwinding = true;
  EXPECT_EQ(w.judge().verdict, Verdict::crash);
  EXPECT_STREQ(w.judge().detail, "the unwinder crashed, in a backtrace from the handler");
}

TEST(SlotLeak, OnlyOfSlotsThatTheSiteZeroes) {
  World w;
  w.seen.slots_left = 0b0111;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
  w.seen.slots_left = 0b1111;
  EXPECT_EQ(w.judge().verdict, Verdict::slot_leak);
  EXPECT_EQ(w.judge().slots, 0b1000U);
}

TEST(SlotLeak, AHandlerThatShouldHaveKeptTheSlots) {
  World w;
  w.seen.slots_changed = 0b0100;
  EXPECT_EQ(w.judge().verdict, Verdict::slot_leak);
  EXPECT_EQ(w.judge().slots, 0b0100U);
}

TEST(LostSignal, NotOneThatWasNeverSent) {
  World w;
  w.seen.requested = 2;
  EXPECT_EQ(w.judge().verdict, Verdict::ok);
}

}  // namespace
}  // namespace sigsweep
