// arm: stress/trap/arch.h says what each name means.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

namespace sigsweep::trap {

using BreakCode = std::uint32_t;
inline constexpr BreakCode kBreakCode = 0xe1200070;  // bkpt
inline constexpr unsigned kBreakAdvance = 0;
// Every instruction is stepped to by a breakpoint, that behind a system call, too.
inline unsigned syscall_length(std::uint64_t) {
  return 0;
}
inline constexpr bool kHasTrapFlag = false;
inline constexpr bool kCodeIsWatched = false;
inline void set_trap_flag(ucontext_t*, bool) {}

inline constexpr bool kResumesByHand = false;
inline constexpr bool kResumeWritesBelow = false;
// The unwinder reads .ARM.exidx, which is right behind a call alone.
inline constexpr bool kUnwindsAnywhere = false;

// qemu's error code does not tell reads from writes.
inline constexpr bool kFaultTellsWrite = false;
inline bool fault_is_write(const ucontext_t*) {
  return false;
}

inline void standing_break() {
  asm volatile("bkpt");
}

struct NamedRegister {
  const char* name;
  int index;
};
// The registers lie in a row, r0 first.
inline std::uint64_t context_register(const ucontext_t* uc, int index) {
  return (&uc->uc_mcontext.arm_r0)[index];
}
inline void set_context_register(ucontext_t* uc, int index, std::uint64_t value) {
  (&uc->uc_mcontext.arm_r0)[index] = static_cast<unsigned long>(value);
}

inline constexpr bool kHasDoors = false;  // a signal can land without the kernel: doors.h
inline constexpr std::uint64_t kRedZone = 0;
inline constexpr std::uint64_t kFrameAlignment = 8, kFrameRest = 4;
inline constexpr int kPc = 15, kSp = 13;
inline constexpr NamedRegister kRegisters[] = {{"pc", 15}, {"sp", 13}, {"lr", 14}, {"r10", 10},
                                               {"fp", 11}, {"r0", 0},  {"r1", 1},  {"r2", 2},
                                               {"r3", 3},  {"r7", 7}};
inline constexpr unsigned kKept = 6;  // r10 is g
inline constexpr const char* kKeptNames[kKept] = {"r4", "r5", "r6", "r7", "r8", "r9"};
inline constexpr const char* kEntryLost[kKept] = {
    "r4, lost by the signal's entry", "r5, lost by the signal's entry",
    "r6, lost by the signal's entry", "r7, lost by the signal's entry",
    "r8, lost by the signal's entry", "r9, lost by the signal's entry"};
// Not used: no backtrace is taken on this ISA.
inline constexpr const char* kUnwoundWrongly[kKept] = {
    "wrong frame: a known one with another r4", "wrong frame: a known one with another r5",
    "wrong frame: a known one with another r6", "wrong frame: a known one with another r7",
    "wrong frame: a known one with another r8", "wrong frame: a known one with another r9"};
// The numbers of both in call frame information.
inline constexpr int kKeptDwarf[kKept] = {4, 5, 6, 7, 8, 9};
inline constexpr int kFramePointerDwarf = 11;
inline constexpr int kPreserved[] = {4, 5, 6, 7, 8, 9, 11};

// FPSCR: round towards zero; no signal handler starts with that.
inline constexpr unsigned kControls = 1;
inline constexpr const char* kControlNames[kControls] = {"FPSCR"};
inline constexpr std::uint32_t kControlProbe[kControls] = {0x00c00000};
inline constexpr const char* kControlLost[kControls] = {"FPSCR, lost by the signal's entry"};
inline constexpr const char* kControlChanged[kControls] = {"FPSCR, changed by the handler's call"};
inline constexpr std::uint32_t kControlBits[kControls] = {0x07f79f00};  // the others are flags
inline void read_controls(std::uint32_t* out) {
  asm volatile("vmrs %0, fpscr" : "=r"(out[0]));
}
// The context does not show them in an easy way: they are compared only at the operation's end.
inline void context_controls(const ucontext_t*, std::uint64_t* out) {
  out[0] = 0;
}

}  // namespace sigsweep::trap
