// amd64, and amd64p32, whose process is one of amd64: stress/trap/arch.h says what each name means.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

#include "stress/trap/arch/x86.h"

namespace sigsweep::trap {

inline constexpr bool kHasDoors = true;         // a signal can land without the kernel: doors.h
inline constexpr std::uint64_t kRedZone = 128;  // bytes below SP, of the interrupted code
// The remainder of a frame pointer, divided by 16, in a function that was called with the ABI's SP.
inline constexpr std::uint64_t kFrameAlignment = 16, kFrameRest = 0;
inline constexpr int kPc = REG_RIP, kSp = REG_RSP, kSegments = REG_CSGSFS;
inline constexpr NamedRegister kRegisters[] = {
    {"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP}, {"rax", REG_RAX}, {"rbx", REG_RBX},
    {"rcx", REG_RCX}, {"rdx", REG_RDX}, {"rsi", REG_RSI}, {"rdi", REG_RDI}, {"r8", REG_R8}};
// The registers that a call must keep, by name, in Probe's order; the frame pointer follows them.
inline constexpr unsigned kKept = 5;
inline constexpr const char* kKeptNames[kKept] = {"rbx", "r12", "r13", "r14", "r15"};
inline constexpr const char* kEntryLost[kKept] = {
    "rbx, lost by the signal's entry", "r12, lost by the signal's entry",
    "r13, lost by the signal's entry", "r14, lost by the signal's entry",
    "r15, lost by the signal's entry"};
inline constexpr const char* kUnwoundWrongly[kKept] = {
    "wrong frame: a known one with another rbx", "wrong frame: a known one with another r12",
    "wrong frame: a known one with another r13", "wrong frame: a known one with another r14",
    "wrong frame: a known one with another r15"};
// The numbers of both in call frame information.
inline constexpr int kKeptDwarf[kKept] = {3, 12, 13, 14, 15};
inline constexpr int kFramePointerDwarf = 6;
inline constexpr int kPreserved[] = {REG_RBX, REG_R12, REG_R13, REG_R14, REG_R15, REG_RBP};
// Bytes from fpregs to what FXSAVE wrote.
inline constexpr std::size_t kFxsave = 0;

inline void context_controls(const ucontext_t* uc, std::uint64_t* out) {
  out[0] = uc->uc_mcontext.fpregs->mxcsr;
  out[1] = uc->uc_mcontext.fpregs->cwd;
}

}  // namespace sigsweep::trap
