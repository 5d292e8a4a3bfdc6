// What a signal's handler and an operation are held against while a trial runs. Value in, problem
// out: null, or a static string. Async-signal-safe.
#pragma once

#include "stress/engine/landings.h"
#include "stress/engine/slot_reader.h"
#include "stress/trap/arch.h"

namespace sigsweep {

inline constexpr const char* kNoStack = "SP was in none of the stacks";
inline constexpr int kErrno = 4242;  // what errno holds while an operation runs

// What is wrong with where things ran, and the state that is lost.
struct Breach {
  const char* misplaced = nullptr;
  const char* leaked = nullptr;

  // Keeps what is there already where there is nothing to add.
  void add_to(Observation* seen) const {
    if (misplaced != nullptr) seen->misplaced = misplaced;
    if (leaked != nullptr) seen->leaked = leaked;
  }
};

// What an operation has lost of registers, control words, flags, SP and errno.
Breach check_registers(const trap::Probe& probe, int error);

// What the ABI promises a handler. The compiler relies on it, so that a breach shows anywhere, or
// nowhere. `frame`: the handler's own.
Breach check_entry(std::uint64_t frame, std::uint64_t flags);

// SP was in a stack, and the handler whose frame that is runs where the protocol says.
const char* check_stack(const Subject& subject, const Protocol& protocol, std::uint64_t interrupted,
                        std::uint64_t frame);
// Does an address lie in one of them?
bool lies_in(std::span<const Region> regions, std::uint64_t address);

// Between the call of a stub in the handler and the throw only the slots may have changed, and
// those only by the handler's own arguments, where the protocol passes them there (`passed`).
bool kept_slots_until_throw(const SlotReader& slots, const Landing& landing, SlotMask passed,
                            const Call& call);

}  // namespace sigsweep
