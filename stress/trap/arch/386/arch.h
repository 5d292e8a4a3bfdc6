// 386: stress/trap/arch.h says what each name means.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

#include "stress/trap/arch/x86.h"

namespace sigsweep::trap {

inline constexpr bool kHasDoors = false;  // a signal can land without the kernel: doors.h
inline constexpr std::uint64_t kRedZone = 0;
inline constexpr std::uint64_t kFrameAlignment = 16, kFrameRest = 8;
inline constexpr int kPc = REG_EIP, kSp = REG_ESP;
inline constexpr NamedRegister kRegisters[] = {
    {"eip", REG_EIP}, {"esp", REG_ESP}, {"ebp", REG_EBP}, {"eax", REG_EAX}, {"ebx", REG_EBX},
    {"ecx", REG_ECX}, {"edx", REG_EDX}, {"esi", REG_ESI}, {"edi", REG_EDI}};
inline constexpr unsigned kKept = 3;
inline constexpr const char* kKeptNames[kKept] = {"ebx", "esi", "edi"};
inline constexpr const char* kEntryLost[kKept] = {"ebx, lost by the signal's entry",
                                                  "esi, lost by the signal's entry",
                                                  "edi, lost by the signal's entry"};
inline constexpr const char* kUnwoundWrongly[kKept] = {"wrong frame: a known one with another ebx",
                                                       "wrong frame: a known one with another esi",
                                                       "wrong frame: a known one with another edi"};
// The numbers of both in call frame information.
inline constexpr int kKeptDwarf[kKept] = {3, 6, 7};
inline constexpr int kFramePointerDwarf = 5;
inline constexpr int kPreserved[] = {REG_EBX, REG_ESI, REG_EDI, REG_EBP};
// Bytes from fpregs to what FXSAVE wrote: FSAVE's form lies in front of it (asm/sigcontext.h).
inline constexpr std::size_t kFxsave = 112;

inline void context_controls(const ucontext_t* uc, std::uint64_t* out) {
  constexpr std::size_t kMxcsr = kFxsave + 24;
  const auto* state = reinterpret_cast<const char*>(uc->uc_mcontext.fpregs);
  out[0] = *reinterpret_cast<const std::uint32_t*>(state + kMxcsr);
  out[1] = uc->uc_mcontext.fpregs->cw & 0xffff;
}

}  // namespace sigsweep::trap
