// What differs between the ISAs in C++: the width of a word, how a pointer is stored, how g is
// read, and how a signal's context names pc, sp and frame pointer. One row an ISA; the rest of the
// runtime has none.
#pragma once

#include <ucontext.h>

#include <cstdint>

// What runs in SWITCH_TEXT may call only what is inlined there.
#define ALWAYS_INLINE inline __attribute__((always_inline))

namespace runtime {

struct G;

#if defined(__x86_64__)

#define SIGSWEEP_ISA "amd64"
using Word = std::uint64_t;
inline constexpr Word kCallAlignment = 16;  // of SP in front of a call, in bytes
template <class T>
using Ptr = T*;

// A variable of which each M has its own. CAVEAT: only within code that stays on its M.
#define PER_M thread_local

// Volatile: the compiler may neither move this across a switch nor keep its result.
ALWAYS_INLINE G* getg() {
  G* gp;
  asm volatile("movq %%fs:runtime_g@tpoff, %0" : "=r"(gp));
  return gp;
}

inline Word sigctxpc(const ucontext_t& uc) {
  return static_cast<Word>(uc.uc_mcontext.gregs[REG_RIP]);
}
inline Word sigctxsp(const ucontext_t& uc) {
  return static_cast<Word>(uc.uc_mcontext.gregs[REG_RSP]);
}
inline Word sigctxfp(const ucontext_t& uc) {
  return static_cast<Word>(uc.uc_mcontext.gregs[REG_RBP]);
}

#else
#error "no row for this ISA: amd64 is what is built today"
#endif

}  // namespace runtime
