// What amd64 and 386 have in common: stress/trap/arch.h says what each name means.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace sigsweep::trap {

using BreakCode = std::uint8_t;
inline constexpr BreakCode kBreakCode = 0xcc;  // int3
inline constexpr unsigned kBreakAdvance = 1;   // bytes by which pc is past it in its trap
inline constexpr bool kHasTrapFlag = true;     // without one a step is made of breakpoints
// The processor sees a patch, whichever mapping writes it.
inline constexpr bool kCodeIsWatched = true;
inline constexpr bool kFaultTellsWrite = true;                  // fault_is_write() knows
inline constexpr bool kResumesByHand = true;                    // there is a resume_context()
inline constexpr bool kResumeWritesBelow = sizeof(void*) == 4;  // it writes below SP
// Call frame information holds at each instruction, so a backtrace from a handler must hold, too.
inline constexpr bool kUnwindsAnywhere = true;

inline void set_trap_flag(ucontext_t* uc, bool on) {
  constexpr greg_t kTrapFlag = 0x100;
  greg_t& flags = uc->uc_mcontext.gregs[REG_EFL];
  flags = on ? flags | kTrapFlag : flags & ~kTrapFlag;
}

// Whether the access that faulted was a write: bit 1 of the page fault's error code.
inline bool fault_is_write(const ucontext_t* uc) {
  return (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0;
}

// The bytes of a system call at pc; 0: another instruction stands there. The trap flag does not stop
// behind it.
inline unsigned syscall_length(std::uint64_t pc) {
  const auto* code = reinterpret_cast<const unsigned char*>(static_cast<std::uintptr_t>(pc));
  const bool is_syscall = (code[0] == 0x0f && (code[1] == 0x05 || code[1] == 0x34)) ||
                          (code[0] == 0xcd && code[1] == 0x80);
  return is_syscall ? 2 : 0;
}

// A breakpoint that stands in the code: the least cost of any injection.
inline void standing_break() {
  asm volatile("int3");
}

// The control words, by name, with legal values that nobody sets by habit. No process, handler or
// other compiler starts with them. Every exception is masked; MXCSR rounds up and flushes denormals
// either way, the x87 rounds up to single precision.
inline constexpr unsigned kControls = 2;
inline constexpr const char* kControlNames[kControls] = {"MXCSR", "x87 control word"};
inline constexpr std::uint32_t kControlProbe[kControls] = {0xdfc0, 0x087f};

inline constexpr const char* kControlLost[kControls] = {
    "MXCSR, lost by the signal's entry", "x87 control word, lost by the signal's entry"};
inline constexpr const char* kControlChanged[kControls] = {
    "MXCSR, changed by the handler's call", "x87 control word, changed by the handler's call"};

// Their bits that control: the others are flags of exceptions that have been seen.
inline constexpr std::uint32_t kControlBits[kControls] = {0xffc0, 0xffff};
inline void read_controls(std::uint32_t* out) {
  asm volatile("stmxcsr %0; fnstcw %1" : "=m"(out[0]), "=m"(out[1]));
}

// An integer register of a signal's context, by name.
struct NamedRegister {
  const char* name;
  int index;
};
inline std::uint64_t context_register(const ucontext_t* uc, int index) {
  return static_cast<std::make_unsigned_t<greg_t>>(uc->uc_mcontext.gregs[index]);
}
inline void set_context_register(ucontext_t* uc, int index, std::uint64_t value) {
  uc->uc_mcontext.gregs[index] = static_cast<greg_t>(value);
}

}  // namespace sigsweep::trap
