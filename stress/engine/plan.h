// The orders for a trial: a site, and which signals land where. Values; stress/campaign/resolve.h
// resolves names.
#pragma once

#include <cstdint>

#include "stress/oracle/oracle.h"
#include "stress/schedule/schedule.h"
#include "stress/subject/subject.h"
#include "stress/trace/trace.h"

namespace sigsweep {

inline constexpr int kNoParent = -1;

struct PlannedInjection {
  std::uint64_t pc = 0;    // address in this process
  std::uint32_t nth = 1;   // pass; of a nested one, within the handler that it interrupts
  std::uint64_t gate = 0;  // Boundary::gate
  int parent = kNoParent;  // the injection whose handler it interrupts; kNoParent: the operation
  int signal = 0;
  Source source = Source::direct;
  unsigned handler = kNoHandler;  // index of a site, or none of them
  std::uint64_t in[kMaxSlots] = {};

  void land_at(const Boundary& b) {
    pc = b.pc;
    nth = b.nth;
    gate = b.gate;
  }
  // Another process sends it: no breakpoint stands there.
  bool is_external() const { return source == Source::external; }
};

struct Plan {
  unsigned protocol = 0;
  unsigned site = 0;
  std::uint64_t in[kMaxSlots] = {};
  unsigned injections = 0;
  PlannedInjection injection[kMaxInjections];
};

// The verdict of a trial of this plan. In the process that ran it: the subject may look at its state.
Judgement judge(const Subject& subject, const Plan& plan, const Observation& seen);

// A number that looks random, the same for the same x. Async-signal-safe.
std::uint64_t mixed(std::uint64_t x);

// The arguments that a schedule does not give, for all slots. Never 0; distinct for each level and
// slot. None is an address of anything (base/harmless.h). Async-signal-safe.
void draw_nonces(std::uint64_t seed, unsigned level, unsigned word_bits, std::uint64_t* in);

}  // namespace sigsweep
