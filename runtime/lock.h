// Locks between Ms, on a futex, and the futex itself. Go's names (lock_futex).
//
// Async-signal-safe: no; code that runs for a signal takes no lock. An M may release a lock that
// another M took.
#pragma once

#include "runtime/runtime.h"

namespace runtime {

// Sleeps while *word is `seen`; may return for any other reason. Wakes at most `count` sleepers.
void futexsleep(std::uint32_t* word, std::uint32_t seen);
void futexwake(std::uint32_t* word, std::uint32_t count);

// The slow halves.
void locksleep(Lock* l);
void lockwake(Lock* l);

ALWAYS_INLINE bool trylock(Lock* l) {
  std::uint32_t free = 0;
  return __atomic_compare_exchange_n(&l->key, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
ALWAYS_INLINE void lock(Lock* l) {
  if (!trylock(l)) locksleep(l);
}
ALWAYS_INLINE void unlock(Lock* l) {
  if (__atomic_exchange_n(&l->key, 0, __ATOMIC_RELEASE) == 2) lockwake(l);
}

}  // namespace runtime
