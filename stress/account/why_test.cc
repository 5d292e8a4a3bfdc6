// The sentences that facts make, and facts that were sent.
#include "stress/account/why.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "stress/account/account.h"

namespace sigsweep {
namespace {

Deed deed(Deed::Role role, const char* symbol, std::uint64_t offset, const char* by,
          std::uint64_t value) {
  Deed made;
  made.role = role;
  made.at = {symbol, offset, 1};
  made.by = by;
  made.value = value;
  return made;
}

Account account(Verdict verdict) {
  Account made;
  made.verdict = verdict;
  made.site = "mheap_alloc_m";
  InjectionAccount injection;
  injection.planned.handler = "gc_m";
  injection.planned.args = {{"s0", 1}};
  made.injections = {injection};
  return made;
}

Why slot() {
  Why why;
  why.word = "s0";
  why.word_address = 0x1000;
  why.deeds = {deed(Deed::owner, "a_call", 0x2f, "operation", 0x11),
               deed(Deed::writer, "b_call", 0x14, "handler 1", 0x22),
               deed(Deed::reader, "a", 0x3b, "operation", 0x22)};
  return why;
}

TEST(Why, OfAClobberedSlotNamesAllThreeInstructions) {
  EXPECT_EQ(why_text(account(Verdict::arg_clobbered), slot()),
            "Slot s0 was in use: a_call+0x2f, in the interrupted call of mheap_alloc_m, had stored "
            "0x11 there. b_call+0x14, in the handler's call of gc_m, overwrote it with 0x22, and "
            "a+0x3b, in the interrupted call of mheap_alloc_m, read that.");
}

TEST(Why, OfSeveralSignalsSaysWhoseHandlerItWas) {
  Account two = account(Verdict::arg_clobbered);
  two.injections.push_back(two.injections.front());
  Why why = slot();
  why.deeds[1].by = "handler 2";
  EXPECT_NE(why_text(two, why).find("in handler 2's call of gc_m,"), std::string::npos);
}

TEST(Why, OfASmashedStackSaysWhatLayThere) {
  Why why;
  why.word_address = 0x7000;
  why.word_stack = "g0";
  why.points_to = "onM+0x51";
  why.deeds = {deed(Deed::owner, "onM", 0x4e, "operation", 0x401051),
               deed(Deed::writer, "b", 3, "handler 1", 5)};
  EXPECT_EQ(why_text(account(Verdict::stack_smash), why),
            "The word at 0x7000 of stack g0 was in use: onM+0x4e, in the interrupted call of "
            "mheap_alloc_m, had put 0x401051 there, an address of code (onM+0x51). b+0x3, in the "
            "handler's call of gc_m, overwrote it with 0x5.");
}

TEST(Why, OfARedZoneSaysSo) {
  Why why;
  why.word_address = 0x7000;
  why.word_stack = "g0";
  why.below_sp = 32;
  EXPECT_EQ(why_text(account(Verdict::stack_smash), why),
            "The word at 0x7000 of stack g0 lies in the red zone, 32 bytes below SP where the "
            "signal landed: the ABI lets code keep a word there, and none was kept. Which "
            "instruction overwrote the word was not seen.");
}

TEST(Why, OfASmashedStackSaysWhoCameThereAndWhoWasTheFirst) {
  Why why;
  why.word_address = 0x7000;
  why.word_stack = "g0";
  why.deeds = {deed(Deed::arrival, "mcall", 0x33, "handler 1", 0x7040),
               deed(Deed::first_writer, "mcall", 0x37, "handler 1", 4),
               deed(Deed::writer, "b", 3, "handler 1", 5)};
  EXPECT_EQ(
      why_text(account(Verdict::stack_smash), why),
      "The word at 0x7000 of stack g0 was in use since before the operation began. "
      "mcall+0x33, in the handler's call of gc_m, took SP to that stack (0x7040). mcall+0x37, "
      "in the handler's call of gc_m, overwrote it with 0x4; b+0x3, in the handler's call of "
      "gc_m, stored 0x5 there later.");
}

TEST(Why, OfASlotThatWasOverwrittenTwiceNamesTheFirstToo) {
  Why why = slot();
  why.deeds.insert(why.deeds.begin() + 1, deed(Deed::first_writer, "b", 0x10, "handler 1", 0x33));
  EXPECT_NE(why_text(account(Verdict::arg_clobbered), why)
                .find("b+0x10, in the handler's call of gc_m, overwrote it with 0x33; b_call+0x14, "
                      "in the handler's call of gc_m, stored 0x22 there later, and a+0x3b,"),
            std::string::npos);
}

TEST(Why, OfALostRegisterSaysWhichCallLostIt) {
  Why why;
  why.register_name = "rbx";
  why.deeds = {deed(Deed::setter, "switch", 0x25, "operation", 7),
               deed(Deed::lost, "switch", 0x4b, "operation", 7)};
  EXPECT_EQ(why_text(account(Verdict::state_leak), why),
            "rbx must be kept. switch+0x4b, in the interrupted call of mheap_alloc_m, came back to "
            "its caller with 0x7 in it. switch+0x25, in the interrupted call of mheap_alloc_m, had "
            "set it last.");
}

TEST(Why, OfAWrongSwitchSaysWhereToAndWhereSpCameFrom) {
  Why why;
  why.word = "g1.sched.sp";
  why.word_address = 0x1000;
  why.from = "g0";
  why.to = "g1";
  why.home = "gsignal";
  why.register_name = "rsp";
  why.deeds = {deed(Deed::left, "onM", 0x47, "handler 1", 0),
               deed(Deed::writer, "onM", 0x3c, "operation", 0x7ff8),
               deed(Deed::reader, "onM", 0x74, "handler 1", 0x7ff8),
               deed(Deed::switched, "onM", 0x74, "handler 1", 0x7ff8)};
  EXPECT_EQ(why_text(account(Verdict::wrong_switch), why),
            "onM+0x74, in the handler's call of gc_m, went from stack g0 to stack g1, and not back "
            "to stack gsignal, which it had left at onM+0x47. onM+0x74 had read SP (0x7ff8) from "
            "g1.sched.sp; onM+0x3c, in the interrupted call of mheap_alloc_m, had stored 0x7ff8 "
            "there last.");
}

TEST(Why, OfACrashSaysWhatItReadAndWhoHadWrittenIt) {
  Why why;
  why.word_address = 0x1000;
  why.register_name = "rdi";
  why.fault_signal = 11;
  why.fault_address = 8;
  why.deeds = {deed(Deed::reader, "gogo", 0, "operation", 0),
               deed(Deed::faulted, "gogo", 4, "operation", 0)};
  EXPECT_EQ(why_text(account(Verdict::crash), why),
            "gogo+0x4, in the interrupted call of mheap_alloc_m, faulted (signal 11, address 0x8) "
            "by way of rdi. gogo+0x0 had read rdi (0x0) from the word at 0x1000; nothing in this "
            "operation had written that word.");
}

TEST(Why, SaysWhatIsNotLookedAt) {
  Why why;
  why.not_looked_at = "another process sends the signal";
  EXPECT_EQ(why_text(account(Verdict::crash), why),
            "Nothing more is known: another process sends the signal.");
}

TEST(Why, WhatWasSentCanBeRead) {
  Why why = slot();
  why.word_stack = "g0";
  why.points_to = "onM+0x51";
  why.below_sp = 8;
  why.register_name = "rsp";
  why.fault_signal = 11;
  why.fault_address = 8;
  why.from = "g0";
  why.to = "g1";
  why.home = "gsignal";
  why.not_looked_at = "50% = half\n";
  why.deeds[1].module = "libx.so";
  why.deeds[1].address = 0x1234;
  why.deeds[1].harness = true;
  Account sent = account(Verdict::crash);
  sent.kind = AccountKind::replayed;
  sent.why = why;
  sent.registers_after = {{"rip", 1}};
  sent.slots_after = {{"s0", 2}};
  EXPECT_EQ(decode(Record::decode(encode(sent).encode())), sent);
}

TEST(Why, RefusesADeedThatItDoesNotKnow) {
  Record record("replayed");
  record.add("why_deeds", 1).add("why_role1", "dreamt");
  EXPECT_THROW(decode_why(record), std::runtime_error);
}

}  // namespace
}  // namespace sigsweep
