// The argument slots of an M: m->scalararg[4] (s0..s3) and m->ptrarg[4] (p0..p3), by one accessor.
//
// Each access is one relaxed atomic load or store of a word, fenced against the compiler. So every
// compiler makes the accesses in source order, and a signal sees a slot either before or after
// each. Async-signal-safe.
#pragma once

#include <atomic>

#include "runtime/runtime.h"

namespace runtime {

inline constexpr unsigned kScalarSlots = 4;
inline constexpr unsigned kPointerSlots = 4;
inline constexpr unsigned kSlots = kScalarSlots + kPointerSlots;
inline constexpr unsigned kPointer0 = kScalarSlots;  // p0's number

// The cell of slot i of this thread's M: 0..3 are s0..s3, 4..7 are p0..p3.
ALWAYS_INLINE Word* slotcell(M* mp, unsigned i) {
  static_assert(sizeof(Ptr<void>) == sizeof(Word));
  static_assert(offsetof(M, ptrarg) == offsetof(M, scalararg) + kScalarSlots * sizeof(Word));
  return reinterpret_cast<Word*>(reinterpret_cast<char*>(mp) + offsetof(M, scalararg)) + i;
}

ALWAYS_INLINE Word loadslot(M* mp, unsigned i) {
  const Word value = __atomic_load_n(slotcell(mp, i), __ATOMIC_RELAXED);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return value;
}
ALWAYS_INLINE Word loadslot(unsigned i) {
  return loadslot(getg()->m, i);
}

ALWAYS_INLINE void storeslot(M* mp, unsigned i, Word value) {
  __atomic_store_n(slotcell(mp, i), value, __ATOMIC_RELAXED);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}
ALWAYS_INLINE void storeslot(unsigned i, Word value) {
  storeslot(getg()->m, i, value);
}

// All slots at once, for handlers that must leave them as they were. No loop: each access is a
// boundary of its own. REQUIRES: the thread stays on its M.
struct SavedSlots {
  Word value[kSlots];
};
template <unsigned i = 0>
ALWAYS_INLINE void saveslots(M* mp, SavedSlots* saved) {
  if constexpr (i < kSlots) {
    saved->value[i] = loadslot(mp, i);
    saveslots<i + 1>(mp, saved);
  }
}
#if defined(PLANT_FORGETFUL_RESTORE)  // a fault planted for the tests: this slot is not put back
inline constexpr unsigned kForgotten = PLANT_FORGETFUL_RESTORE;
#else
inline constexpr unsigned kForgotten = kSlots;  // none
#endif
template <unsigned i = 0>
ALWAYS_INLINE void restoreslots(M* mp, const SavedSlots* saved) {
  if constexpr (i < kSlots) {
    if constexpr (i != kForgotten) storeslot(mp, i, saved->value[i]);
    restoreslots<i + 1>(mp, saved);
  }
}

}  // namespace runtime
