// The checks at a handler's entry, at a throw, and behind an operation.
#include "stress/engine/checks.h"

#include "stress/engine/engine.h"

namespace sigsweep {
namespace {

constexpr const char* kFramePointer = "frame pointer";
static_assert(trap::kKept + 1 + trap::kControls <= kMaxPreserved);

}  // namespace

Breach check_registers(const trap::Probe& probe, int error) {
  Breach breach;
  if (error != kErrno) breach.leaked = "errno";
  for (unsigned i = 0; i < trap::kKept; i++) {
    if (probe.kept_after[i] != probe.kept_before[i]) breach.leaked = trap::kKeptNames[i];
  }
  for (unsigned i = 0; i < trap::kControls; i++) {
    if (probe.control_after[i] != probe.control_before[i]) breach.leaked = trap::kControlNames[i];
  }
  if (const char* flag = trap::flags_problem(probe.flags_after)) breach.leaked = flag;
  if (probe.sp_after != probe.sp_before)
    breach.misplaced = "the operation returned with another SP";
  if (probe.fp_after != probe.fp_before) breach.leaked = kFramePointer;
  return breach;
}

int preserved_index(std::string_view name) {
  int i = 0;
  for (const char* kept : trap::kKeptNames) {
    if (name == kept) return i;
    i++;
  }
  if (name == kFramePointer) return i;
  for (const char* control : trap::kControlNames) {
    i++;
    if (name == control) return i;
  }
  return -1;
}

Breach check_entry(std::uint64_t frame, std::uint64_t flags) {
  Breach breach;
  if (frame % trap::kFrameAlignment != trap::kFrameRest) {
    breach.misplaced = "the handler was entered with a misaligned SP";
  }
  if (trap::flags_problem(flags) != nullptr) {
    breach.leaked = "direction flag, at the handler's entry";
  }
  return breach;
}

Breach check_controls(const Subject& subject, const trap::Controls& before,
                      const trap::Controls& after, const char* const (&names)[trap::kControls]) {
  Breach breach;
  if (subject.keeps_controls()) breach.leaked = trap::changed_control(before, after, names);
  return breach;
}

const char* check_stack(const Subject& subject, const Protocol& protocol, std::uint64_t interrupted,
                        std::uint64_t frame) {
  const unsigned stack = subject.stack_of(interrupted);
  if (stack == 0) return kNoStack;
  const Region alternate = subject.alternate_stack();
  const bool stayed = subject.stack_of(frame) == stack;
  const bool may_stay =
      protocol.own_stack || interrupted - as_address(alternate.at) <= alternate.size;
  return stayed == may_stay ? nullptr : "the handler ran on a wrong stack";
}

bool lies_in(std::span<const Region> regions, std::uint64_t address) {
  for (const Region& region : regions) {
    if (address - as_address(region.at) < region.size) return true;
  }
  return false;
}

bool kept_slots_until_throw(const SlotReader& slots, const Landing& landing, SlotMask passed,
                            const Call& call) {
  for (unsigned i = 0; i < kMaxSlots; i++) {
    const bool given = (passed >> i & 1) != 0;
    if (slots[i] != (given ? call.in[i] : landing.slots[i])) return false;
  }
  return true;
}

void note_smashed(const Landing& landing, Observation* seen) {
  if (seen->smashed || !landing.live.differs()) return;
  seen->smashed = true;
  seen->changed_at = landing.live.first_difference(landing.sp);
}

void note_changed_before_throw(const Landing& landing, Observation* seen) {
  seen->changed_before_throw = true;
  seen->changed_at = landing.live.differs() ? landing.live.first_difference(landing.sp)
                                            : landing.state.first_difference();
}

void compare_rest(Rests* rests, Observation* seen) {
  const char* what = rests->compare();
  if (what == nullptr) return;
  seen->leaked = what;
  if (!seen->smashed) seen->changed_at = rests->first_difference();
}

std::string untold(const Subject& subject, std::uint64_t sp) {
  char state[8];
  Region regions[kMaxRegions];
  if (subject.describe(sp, state, sizeof state) == 0) {
    return "the subject's describe() says nothing of the state where an operation starts";
  }
  if (subject.live_regions(sp, regions) == 0) {
    return "the subject's live_regions() is empty where an operation starts: no overwritten frame "
           "would be seen";
  }
  const unsigned stacks = subject.stacks(regions);
  if (!lies_in({regions, stacks}, sp - 1)) {  // of an empty stack SP is the end
    return "an operation starts on a stack that the subject's stacks() does not list: nothing "
           "below "
           "SP would be overwritten there";
  }
  return {};
}

}  // namespace sigsweep
