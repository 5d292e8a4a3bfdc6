// Tests of sets of verdicts: membership, and the text form of each kind of set, to and fro.
#include "stress/verdict/verdict_set.h"

#include <gtest/gtest.h>

namespace sigsweep {
namespace {

constexpr VerdictSet kSome{Verdict::slot_leak, Verdict::ok};
constexpr VerdictSet kNotOk = VerdictSet::all_but(Verdict::ok);
static_assert(kSome.contains(Verdict::ok) && kSome.contains(Verdict::slot_leak));
static_assert(!kSome.contains(Verdict::crash));
static_assert(kNotOk.contains(Verdict::crash) && !kNotOk.contains(Verdict::ok));
static_assert(!VerdictSet{}.contains(Verdict::ok));

TEST(VerdictSet, HasATextForm) {
  EXPECT_EQ(kSome.text(), "ok slot-leak");
  EXPECT_EQ(kNotOk.text(), "!ok");
  EXPECT_EQ(VerdictSet::all_but(Verdict::crash).text(), "!crash");
  EXPECT_EQ(VerdictSet{Verdict::bad_reject}.text(), "bad-reject");
  EXPECT_EQ(VerdictSet{}.text(), "");
}

TEST(VerdictSet, IsReadBack) {
  for (const VerdictSet& set :
       {kSome, kNotOk, kOnlyOk, VerdictSet{Verdict::bad_reject}, VerdictSet{}})
    EXPECT_EQ(VerdictSet::from_text(set.text()), set) << set.text();
  for (unsigned i = 0; i < kVerdicts; i++) {
    const auto set = VerdictSet::all_but(static_cast<Verdict>(i));
    EXPECT_EQ(VerdictSet::from_text(set.text()), set) << set.text();
  }
  EXPECT_EQ(VerdictSet::from_text("slot-leak ok"), kSome) << "in any order";
}

TEST(VerdictSet, NamesThatAreNoVerdictsAreRefused) {
  for (const char* text : {"okay", "ok okay", "!okay", "!", "ok !crash", "ok  crash", "ok,crash"})
    EXPECT_EQ(VerdictSet::from_text(text), std::nullopt) << text;
}

}  // namespace
}  // namespace sigsweep
