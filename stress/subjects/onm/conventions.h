// The Go subject's tables except its sites: protocols, marks, names.
#pragma once

#include "runtime/stubs.h"
#include "stress/subject/subject.h"
#include "stress/subjects/onm/protocols.h"

namespace sigsweep::onm {

using runtime::FuncVal;
using runtime::G;
using runtime::M;
using runtime::Ptr;

using runtime::onM;
using runtime::onM_legacy;
using runtime::onM_remember;
using runtime::onM_signalok;
#if defined(__arm__)
using runtime::onM_arm_seed;
using runtime::onM_signalok_arm_first;
#endif
using runtime::systemstack;

// The meanings of a boundary's marks.
enum Mark : Marks {
  DISAGREE = 1,       // SP is not in the stack of g
  G0_IN_USE = 2,      // the contents of g0's stack are still wanted; a switch starts at its top
  GSIGNAL_LEFT = 8,   // a handler has switched away: the next signal's frame overwrites its frames
  GSIGNAL_SAVED = 4,  // gsignal.sched.sp is live: a switch's way back, which another overwrites
};
constexpr std::string_view kMarkNames[] = {"g-and-sp-disagree", "g0-in-use", "gsignal.sched-live",
                                           "gsignal-left"};
constexpr std::string_view kWatched[] = {"sched.pc", "sched.sp", "sched.g", "g", "sp"};

// The rows that exist only on arm, for all other ISAs.
constexpr Tables::Elsewhere kArmOnly[] = {
#define PROTOCOL_ARM(name, ...) {#name, "arm"},
#include "stress/subjects/onm/protocols.def"
};

// How one side enters the stubs and passes its arguments.
struct Side {
  void (*enter)(const FuncVal*);
  Passing passing;

  bool operator==(const Side&) const = default;
};

// A row of protocols.def.
struct ProtocolRow {
  std::string_view name;
  Side operation, handler;
  Ptr<G> M::*handler_home;  // the handler's fn runs on its stack
  bool must_reject = false;
  bool predicts = false;
  Marks spoiled_at = 0;
  VerdictSet allowed = {};
  std::string_view summary;
};

// The stubs that a row may enter.
struct StubName {
  void (*stub)(const FuncVal*);
  std::string_view name;
};
constexpr StubName kEntered[] = {{onM, "onM"},
                                 {onM_legacy, "onM_legacy"},
                                 {onM_remember, "onM_remember"},
                                 {onM_signalok, "onM_signalok"},
#if defined(__arm__)
                                 {onM_arm_seed, "onM_arm_seed"},
                                 {onM_signalok_arm_first, "onM_signalok_arm_first"},
#endif
                                 {mcall_and_back, "mcall"},
                                 {systemstack, "systemstack"}};

constexpr std::string_view stub_name(void (*stub)(const FuncVal*)) {
  const StubName* at = kEntered;
  while (at->stub != stub) at++;  // past the end: no constant, so no build
  return at->name;
}

// The part of a row that is read while signals land.
struct Convention {
  Side operation, handler;
  Ptr<G> M::*handler_home;
};

constexpr Convention convention_of(const ProtocolRow& row) {
  return {row.operation, row.handler, row.handler_home};
}

constexpr Convention kConventions[] = {
#define PROTOCOL(protocol, ...) convention_of({.name = #protocol, __VA_ARGS__}),
#if defined(__arm__)
#define PROTOCOL_ARM PROTOCOL
#endif
#include "stress/subjects/onm/protocols.def"
};

constexpr Protocol protocol_of(const ProtocolRow& row) {
  Protocol p{};
  p.name = row.name;
  p.must_reject = row.must_reject;
  p.slots_in_handler = row.handler.passing != CLOSURE;
  p.keeps_slots = row.handler.passing != SLOTS;
  p.predicts = row.predicts;
  p.spoiled_at = row.spoiled_at;
  p.allowed = row.allowed;
  p.summary = row.summary;
  p.operation_enters = stub_name(row.operation.enter);
  p.handler_enters = stub_name(row.handler.enter);
  while (kConventions[p.operation_side].operation != row.operation) p.operation_side++;
  while (kConventions[p.handler_side].handler != row.handler) p.handler_side++;
  return p;
}

constexpr Protocol kProtocols[] = {
#define PROTOCOL(protocol, ...) protocol_of({.name = #protocol, __VA_ARGS__}),
#if defined(__arm__)
#define PROTOCOL_ARM PROTOCOL
#endif
#include "stress/subjects/onm/protocols.def"
};

// What a reader who does not know Go needs.
constexpr Tables::Word kWords[] = {
    {"G", "a task of the Go runtime, with a stack of its own"},
    {"M", "a thread of the operating system that runs one G after the other"},
    {"g", "the register, or the thread's word, that says which G is at work"},
    {"g0", "the G whose stack the runtime's own work runs on; each M has one"},
    {"gsignal", "the G whose stack signal handlers run on; each M has one"},
    {"curg", "the G that the M is running for the program"},
    {"caller", "the part of an operation that calls the stub, and reads the results after it"},
    {"stub", "the assembly that switches from one stack to the other, and back"},
    {"fn", "the function that the stub calls on the other stack"},
    {"s0 to s3, p0 to p3", "the slots: words of the M in which arguments and results travel"},
    {"@g0, @idle", "behind an operation's name: it was started on g0, or on an M without a curg"},
};

constexpr std::string_view kSlotNames[] = {"s0", "s1", "s2", "s3", "p0", "p1", "p2", "p3"};

// The stubs by name; all other injectable code is a caller or a fn.
constexpr std::string_view kStubs[] = {"onM",         "onM_legacy",  "onM_remember", "onM_signalok",
                                       "systemstack", "mcall",       "cmcall",       "gogo",
                                       "gosave",      "goexit",      "switchtoM",    "sigtramp",
                                       "sighandler",  "closurethunk"};

}  // namespace sigsweep::onm
