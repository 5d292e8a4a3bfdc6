// An account that was sent can be read, and its record stays the one that hosts and runners know.
#include "stress/account/account.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sigsweep {
namespace {

InjectionAccount first_injection() {
  InjectionAccount injection;
  injection.planned.signal = "SIGPROF";
  injection.planned.at = {"onM", 47, 2};
  injection.planned.phase = Phase("stub.switched/sp=other/live=s0+s1", 3);
  injection.planned.by = Source::kill;
  injection.planned.handler = "both";
  injection.planned.args = {{"s0", 1}, {"s1", ~std::uint64_t{0}}};
  injection.live = "s0+s1";
  injection.call = CallAccount{{{"s0", 1}, {"s1", 2}}, {{"p0", 3}}, {{"p0", 0}}, true};
  return injection;
}

InjectionAccount second_injection() {
  InjectionAccount injection;
  injection.planned.signal = "SIGALRM";
  injection.planned.at = {"sigtramp", 0, 1};
  injection.planned.by = Source::itimer;
  injection.planned.handler = "none";
  injection.planned.in = 1;
  return injection;
}

Account account_of(AccountKind kind) {
  Account account;
  account.kind = kind;
  account.site = "largeAlloc_m";
  account.verdict = Verdict::arg_clobbered;
  account.slots = {"s0", "s1"};
  account.detail = "fn read 100% of another's, and = more\n";
  account.requested = 2;
  account.landed = 2;
  account.unreached = 0;
  account.given = {{"s0", 0x10}, {"s1", 0x11}};
  account.call = {{{"s0", 1}, {"s1", 2}}, {{"p0", 5}}, {{"p0", 5}}, true};
  account.registers = {{"rip", 0x7f0000000000}, {"rsp", 8}};
  account.slots_landed = {{"s0", 0x10}, {"p0", 0}};
  account.fault = "signal 11 at pc 0x0, address 0x0";
  account.injections = {first_injection(), second_injection()};
  return account;
}

Account example() {
  Account account = account_of(AccountKind::example);
  account.blame = 1;
  account.seed = ~std::uint64_t{0};
  account.expected = true;
  account.mismatch = "predicted ok, observed arg-clobbered";
  return account;
}

Account replayed() {
  Account account = account_of(AccountKind::replayed);
  account.backtrace = "resumer; by frame pointers: truncated";
  account.operation = 3;
  account.blame = 1;
  account.notes = {"found by its phase", "and moved"};
  return account;
}

Account walked() {
  Account account = account_of(AccountKind::walked);
  account.operation = 3;
  return account;
}

Account quiet() {  // nothing landed, nothing was wrong
  Account account;
  account.site = "gc_m";
  account.requested = 1;
  account.unreached = 1;
  account.injections = {first_injection()};
  account.injections[0].call.reset();
  return account;
}

Account in_a_module() {
  Account account = example();
  account.injections[1].module = "libboost_context.so.1.74.0";
  account.injections[1].address = 0x1140;
  return account;
}

TEST(Account, IsReadAsItIsTold) {
  for (const Account& account :
       {Account(), example(), replayed(), walked(), quiet(), in_a_module()}) {
    const Record record = encode(account);
    EXPECT_EQ(decode(Record::decode(record.encode())), account) << record.encode();
  }
}

// A host and a runner of other builds read it.
TEST(Account, OfAnExampleIsThisRecord) {
  EXPECT_EQ(
      encode(example()).encode(),
      "example site=largeAlloc_m verdict=arg-clobbered slots=s0+s1 "
      "detail=fn%20read%20100%25%20of%20another's,%20and%20%3d%20more%0a requested=2 landed=2 "
      "unreached=0 injections=2 given=s0%3d0x10,s1%3d0x11 seen=s0%3d0x1,s1%3d0x2 made=p0%3d0x5 "
      "got=p0%3d0x5 ran=1 registers=rip%3d0x7f0000000000,rsp%3d0x8 slots_landed=s0%3d0x10,p0%3d0x0 "
      "fault=signal%2011%20at%20pc%200x0,%20address%200x0 symbol=onM offset=47 nth=2 "
      "phase=stub.switched/sp%3dother/live%3ds0+s1#3 live=s0+s1 handler=both signal=SIGPROF "
      "by=kill handler_given=s0%3d0x1,s1%3d0xffffffffffffffff handler_seen=s0%3d0x1,s1%3d0x2 "
      "handler_made=p0%3d0x3 handler_got=p0%3d0x0 handler_ran=1 symbol2=sigtramp offset2=0 nth2=1 "
      "phase2= "
      "live2=- handler2=none signal2=SIGALRM by2=itimer in2=1 blame=1 "
      "seed=18446744073709551615 expected=1 mismatch=predicted%20ok,%20observed%20arg-clobbered");
}

TEST(Account, EndsWithWhatItsCommandKnows) {
  EXPECT_TRUE(
      encode(replayed())
          .encode()
          .ends_with(" operation=3 blame=1 note=found%20by%20its%20phase note=and%20moved"));
  EXPECT_TRUE(encode(walked()).encode().ends_with(" in2=1 operation=3"));
  EXPECT_FALSE(encode(quiet()).has("registers"));
  EXPECT_FALSE(encode(quiet()).has("fault"));
  EXPECT_FALSE(encode(quiet()).has("backtrace"));
  EXPECT_FALSE(encode(quiet()).has("handler_seen"));
}

TEST(Account, NamesAModuleOnlyOfCodeOutsideTheRunner) {
  const Record record = encode(in_a_module());
  EXPECT_FALSE(record.has("module")) << "the first is the runner's own";
  EXPECT_FALSE(record.has("address"));
  EXPECT_EQ(record.text("module2"), "libboost_context.so.1.74.0");
  EXPECT_EQ(record.number("address2"), 0x1140U);
}

TEST(Account, BlamesTheInjectionThatItNames) {
  EXPECT_EQ(blamed(example()).planned.at.symbol, "sigtramp");
  EXPECT_EQ(blamed(walked()).planned.at.symbol, "onM");
  EXPECT_EQ(blamed(Account()).planned.handler, "");
}

// A record with one field changed, and what the refusal must name.
struct Broken {
  const char* from;
  const char* to;
  const char* message;
};

TEST(Account, ThatIsNoneIsRefused) {
  const std::string good = encode(example()).encode();
  for (const auto& [from, to, message] :
       {Broken{"example ", "exempla ", "word=exempla; allowed: example, replayed, walked"},
        Broken{"=arg-clobbered", "=burnt", "verdict=burnt; allowed: the name of a verdict"},
        Broken{"by2=itimer", "by2=fax", "by2=fax; allowed: the name of a source"},
        Broken{"injections=2", "injections=3", "by3=; allowed"},
        Broken{"s1#3", "s1", "; allowed: PART/key=value/...#N"},
        Broken{"got=p0%3d0x5", "got=p0%3d5", "got=p0=5; allowed: NAME=0xVALUE"},
        Broken{"got=p0%3d0x5", "got=p0%3d0x", "got=p0=0x; allowed: NAME=0xVALUE"},
        Broken{"got=p0%3d0x5", "got=p0%3d0x5z", "got=p0=0x5z; allowed: NAME=0xVALUE"}}) {
    std::string line = good;
    ASSERT_NE(line.find(from), line.npos) << from;
    line.replace(line.find(from), std::string_view(from).size(), to);
    try {
      decode(Record::decode(line));
      ADD_FAILURE() << to << " was taken";
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string_view(error.what()).find(message), std::string_view::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace sigsweep
