// The differences between the ISAs in C++: the width of a word, the form of a stored pointer, how
// to read g, what a call leaves on the stack, and the names of pc, sp and frame pointer in a
// signal's context. One row an ISA; the rest of the runtime has none.
//
// A Word is the content of a field of G and M. An address of the machine is a std::uintptr_t; a
// push writes the same. They differ only on amd64p32.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>

// Code in SWITCH_TEXT may call only functions that are inlined there.
#define ALWAYS_INLINE inline __attribute__((always_inline))

// A variable that each M has for itself. CAVEAT: only within code that stays on its M. Many Ms run
// only on the machine's own ISA (the storm).
#if defined(__x86_64__) && !defined(SIGSWEEP_AMD64P32)
#define PER_M thread_local
#else
#define PER_M
#endif

namespace runtime {

struct G;

#if defined(__x86_64__) && !defined(SIGSWEEP_AMD64P32)

#define SIGSWEEP_ISA "amd64"
using Word = std::uint64_t;
inline constexpr std::uintptr_t kCallAlignment = 16;    // of SP in front of a call, in bytes
inline constexpr std::uintptr_t kReturnBytes = 8;       // a call pushes these
inline constexpr std::uintptr_t kThunkBytes = 0;        // closurethunk has these on the stack
inline constexpr Word kSwitchtoMSkip = 0;               // from switchtoM to the pc that onM saves
inline constexpr Word kGoexitSkip = 1;                  // goexit's nop
inline constexpr int kFrameNext = 0, kFrameReturn = 1;  // relative to the frame pointer, in words
inline constexpr bool kLow = false;                     // G, M and stacks must lie below 4 GiB

// Volatile: the compiler may neither move this across a switch nor keep its result.
ALWAYS_INLINE G* getg() {
  G* gp;
  asm volatile("movq %%fs:runtime_g@tpoff, %0" : "=r"(gp));
  return gp;
}
// For code that sets up a state by hand. No switch uses it.
ALWAYS_INLINE void setg(G* gp) {
  asm volatile("movq %0, %%fs:runtime_g@tpoff" : : "r"(gp) : "memory");
}

#elif defined(__x86_64__)

#define SIGSWEEP_ISA "amd64p32"
using Word = std::uint32_t;
inline constexpr std::uintptr_t kCallAlignment = 16;
inline constexpr std::uintptr_t kReturnBytes = 8;
inline constexpr std::uintptr_t kThunkBytes = 0;
inline constexpr Word kSwitchtoMSkip = 0;
inline constexpr Word kGoexitSkip = 1;
inline constexpr int kFrameNext = 0, kFrameReturn = 1;
inline constexpr bool kLow = true;

ALWAYS_INLINE G* getg() {
  std::uintptr_t gp;
  asm volatile("movl %%fs:runtime_g@tpoff, %k0" : "=r"(gp));
  return reinterpret_cast<G*>(gp);
}
ALWAYS_INLINE void setg(G* gp) {
  asm volatile("movl %k0, %%fs:runtime_g@tpoff" : : "r"(gp) : "memory");
}

#elif defined(__i386__)

#define SIGSWEEP_ISA "386"
using Word = std::uint32_t;
inline constexpr std::uintptr_t kCallAlignment = 16;
inline constexpr std::uintptr_t kReturnBytes = 4;
inline constexpr std::uintptr_t kThunkBytes = 16;
inline constexpr Word kSwitchtoMSkip = 0;
inline constexpr Word kGoexitSkip = 1;
inline constexpr int kFrameNext = 0, kFrameReturn = 1;
inline constexpr bool kLow = false;

ALWAYS_INLINE G* getg() {
  G* gp;
  asm volatile("movl %%gs:runtime_g@ntpoff, %0" : "=r"(gp));
  return gp;
}
ALWAYS_INLINE void setg(G* gp) {
  asm volatile("movl %0, %%gs:runtime_g@ntpoff" : : "r"(gp) : "memory");
}

#elif defined(__arm__)

// All C++ is compiled with -ffixed-r10: r10 is g. A library that uses r10 restores it before it
// returns. While the library runs, r10 is not g, and no signal is landed there.
#define SIGSWEEP_ISA "arm"
using Word = std::uint32_t;
inline constexpr std::uintptr_t kCallAlignment = 8;
inline constexpr std::uintptr_t kReturnBytes = 0;  // a call leaves its return address in LR
inline constexpr std::uintptr_t kThunkBytes = 0;
inline constexpr Word kSwitchtoMSkip = 4;
inline constexpr Word kGoexitSkip = 4;
inline constexpr int kFrameNext = -1, kFrameReturn = 0;  // as gcc lays out an arm frame
inline constexpr bool kLow = false;

ALWAYS_INLINE G* getg() {
  G* gp;
  asm volatile("mov %0, r10" : "=r"(gp));
  return gp;
}
ALWAYS_INLINE void setg(G* gp) {
  asm volatile("mov r10, %0" : : "r"(gp) : "memory");
}

#else
#error "no row for this ISA"
#endif

// ---- the registers of a signal's context

#if defined(__x86_64__)
inline std::uintptr_t sigctxpc(const ucontext_t& uc) {
  return static_cast<std::uintptr_t>(uc.uc_mcontext.gregs[REG_RIP]);
}
inline std::uintptr_t sigctxsp(const ucontext_t& uc) {
  return static_cast<std::uintptr_t>(uc.uc_mcontext.gregs[REG_RSP]);
}
inline std::uintptr_t sigctxfp(const ucontext_t& uc) {
  return static_cast<std::uintptr_t>(uc.uc_mcontext.gregs[REG_RBP]);
}
#elif defined(__i386__)
inline std::uintptr_t sigctxpc(const ucontext_t& uc) {
  return static_cast<std::uintptr_t>(uc.uc_mcontext.gregs[REG_EIP]);
}
inline std::uintptr_t sigctxsp(const ucontext_t& uc) {
  return static_cast<std::uintptr_t>(uc.uc_mcontext.gregs[REG_ESP]);
}
inline std::uintptr_t sigctxfp(const ucontext_t& uc) {
  return static_cast<std::uintptr_t>(uc.uc_mcontext.gregs[REG_EBP]);
}
#elif defined(__arm__)
inline std::uintptr_t sigctxpc(const ucontext_t& uc) {
  return uc.uc_mcontext.arm_pc;
}
inline std::uintptr_t sigctxsp(const ucontext_t& uc) {
  return uc.uc_mcontext.arm_sp;
}
inline std::uintptr_t sigctxfp(const ucontext_t& uc) {
  return uc.uc_mcontext.arm_fp;
}
#endif

// ---- pointers, in the form that fields hold

// An address as a word. If it does not fit, the process ends: on amd64p32 all data that the runtime
// points at must lie below 4 GiB.
template <class T>
ALWAYS_INLINE Word wordof(T* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (address != static_cast<Word>(address)) __builtin_trap();
  return static_cast<Word>(address);
}
template <class T>
ALWAYS_INLINE T* pointerto(Word address) {
  return reinterpret_cast<T*>(std::uintptr_t{address});
}

#if defined(SIGSWEEP_AMD64P32)
// A pointer in 32 bits.
template <class T>
class Ptr {
 public:
  Ptr() = default;
  constexpr Ptr(std::nullptr_t) : word_(0) {}
  ALWAYS_INLINE Ptr(T* p) : word_(wordof(p)) {}
  ALWAYS_INLINE operator T*() const { return pointerto<T>(word_); }
  ALWAYS_INLINE T* operator->() const { return pointerto<T>(word_); }

 private:
  Word word_;
};
#else
template <class T>
using Ptr = T*;
#endif

}  // namespace runtime
