// Checks of a signal's handler and of an operation while a trial runs. Value in, problem out: null,
// or a static string. Async-signal-safe.
#pragma once

#include <string>

#include "stress/engine/landings.h"
#include "stress/engine/rests.h"
#include "stress/engine/slot_reader.h"
#include "stress/trap/arch.h"

namespace sigsweep {

inline constexpr const char* kNoStack = "SP was in none of the stacks";
inline constexpr int kErrno = 4242;  // errno while an operation runs

// What ran in the wrong place, and which state was lost.
struct Breach {
  const char* misplaced = nullptr;
  const char* leaked = nullptr;

  // Changes nothing in `seen` if there is nothing to add.
  void add_to(Observation* seen) const {
    if (misplaced != nullptr) seen->misplaced = misplaced;
    if (leaked != nullptr) seen->leaked = leaked;
  }
};

// The registers, control words, flags, SP and errno that an operation has lost.
Breach check_registers(const trap::Probe& probe, int error);

// The ABI's promises to a handler. The compiler relies on them, so a breach may show anywhere or
// nowhere. `frame`: the handler's own.
Breach check_entry(std::uint64_t frame, std::uint64_t flags);

// A handler leaves the control words as they were: its way back restores them whatever it did, so
// nobody would see it later. `names`: of what was changed.
Breach check_controls(const Subject& subject, const trap::Controls& before,
                      const trap::Controls& after, const char* const (&names)[trap::kControls]);

// SP was in a stack, and its handler runs where the protocol says.
const char* check_stack(const Subject& subject, const Protocol& protocol, std::uint64_t interrupted,
                        std::uint64_t frame);
// Does an address lie in one of them?
bool lies_in(std::span<const Region> regions, std::uint64_t address);

// Between the handler's call of a stub and the throw, only the slots may have changed. Only the
// handler's own arguments may have changed them, if the protocol passes them there (`passed`).
bool kept_slots_until_throw(const SlotReader& slots, const Landing& landing, SlotMask passed,
                            const Call& call);

// Note what differs from the landing's state or from the state at rest, and the first byte of it: a
// report is about that one.
void note_smashed(const Landing& landing, Observation* seen);
void note_changed_before_throw(const Landing& landing, Observation* seen);
void compare_rest(Rests* rests, Observation* seen);

// A subject that leaves these virtuals at rest would pass every check that needs them. Empty, or
// which one tells nothing. `sp`: where an operation starts. Not async-signal-safe.
std::string untold(const Subject& subject, std::uint64_t sp);

}  // namespace sigsweep
