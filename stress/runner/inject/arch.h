// What differs between the ISAs for injection: the breakpoint instruction, the trap flag, the
// registers in a signal's context, and a few routines in assembly (arch_*.S). Everything here is
// async-signal-safe.
#pragma once

#include <ucontext.h>

#include <cstdint>

namespace sigsweep::inject {

#if defined(__x86_64__)

using BreakCode = std::uint8_t;
inline constexpr BreakCode kBreakCode = 0xcc;  // int3
inline constexpr unsigned kBreakAdvance =
    1;  // bytes by which pc is past it when its trap is handled
inline constexpr bool kHasTrapFlag = true;
inline constexpr std::uint64_t kRedZone =
    128;  // bytes below SP that belong to the interrupted code

inline std::uint64_t context_pc(const ucontext_t* uc) {
  return static_cast<std::uint64_t>(uc->uc_mcontext.gregs[REG_RIP]);
}
inline void set_context_pc(ucontext_t* uc, std::uint64_t pc) {
  uc->uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(pc);
}
inline std::uint64_t context_sp(const ucontext_t* uc) {
  return static_cast<std::uint64_t>(uc->uc_mcontext.gregs[REG_RSP]);
}
// In front of a function's first instruction: where it will return to.
inline std::uint64_t return_address(const ucontext_t* uc) {
  return *reinterpret_cast<const std::uint64_t*>(context_sp(uc));
}
inline void set_trap_flag(ucontext_t* uc, bool on) {
  constexpr greg_t kTrapFlag = 0x100;
  greg_t& flags = uc->uc_mcontext.gregs[REG_EFL];
  flags = on ? flags | kTrapFlag : flags & ~kTrapFlag;
}

// What a call must preserve, in front of the instruction that was interrupted: the kept registers,
// the frame pointer, the control words; named by kKeptNames, "frame pointer", kControlNames.
inline void context_preserved(const ucontext_t* uc, std::uint64_t* out) {
  constexpr int kRegisters[] = {REG_RBX, REG_R12, REG_R13, REG_R14, REG_R15, REG_RBP};
  for (int r : kRegisters) *out++ = static_cast<std::uint64_t>(uc->uc_mcontext.gregs[r]);
  *out++ = uc->uc_mcontext.fpregs->mxcsr;
  *out++ = uc->uc_mcontext.fpregs->cwd;
}

// Whether the access that faulted was a write: bit 1 of the page fault's error code.
inline bool fault_is_write(const ucontext_t* uc) {
  return (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0;
}

// Can resume_context() restore all that is in this frame? The processor's state must be there in
// the form that XRSTOR takes (asm/sigcontext.h), and the trap flag takes the kernel's way.
inline bool can_resume(const ucontext_t* uc) {
  constexpr std::size_t kReserved = 464;  // bytes: where the kernel describes the form
  constexpr std::uint32_t kMagic = 0x46505853;
  const auto* state = reinterpret_cast<const char*>(uc->uc_mcontext.fpregs);
  return state != nullptr && (uc->uc_mcontext.gregs[REG_EFL] & 0x100) == 0 &&
         *reinterpret_cast<const std::uint32_t*>(state + kReserved) == kMagic;
}

// A breakpoint that stands in the code: what any injection costs at least.
inline void standing_break() {
  asm volatile("int3");
}

// The registers that a call must keep, by name, in Probe's order.
inline constexpr unsigned kKept = 5;
inline constexpr const char* kKeptNames[kKept] = {"rbx", "r12", "r13", "r14", "r15"};

#else
#error "no row for this ISA: amd64 is what is built today"
#endif

// What probe_call loads before the call and finds after it. `sp` and `fp` are its own.
struct Probe {
  void (*over)();  // called when fn has come back; need not return
  std::uint64_t kept_before[kKept];
  std::uint64_t kept_after[kKept];
  std::uint64_t sp_before, sp_after;
  std::uint64_t fp_before, fp_after;
  std::uint64_t flags_after;
  std::uint32_t control_before[2];  // amd64: MXCSR, x87 control word
  std::uint32_t control_after[2];
};

// The point that an abandoned trial returns to, and the stack that trials start on: one of their
// own, for a trial that goes astray writes over the frames that it came from.
struct Containment {
  std::uint64_t sp;
  std::uint64_t stack;  // its top, with the ABI's alignment
};

extern "C" {

// fn(arg) with the probe's values in the callee-saved registers and the control words; what is
// found there on return goes into the probe, and probe->over() is called: nothing that it needs lay
// on the stack while fn ran. Works also if fn returns with a wrong SP. One at a time in a process.
void probe_call(Probe* probe, void (*fn)(void*), void* arg);

// Runs fn(arg) on frame->stack and returns 0; or returns early what contain_leave was given (not
// 0).
std::uint64_t contain_call(Containment* frame, void (*fn)(void*), void* arg);
// From anywhere, on any stack, in any handler: returns from contain_call. The signal mask stays as
// it is.
[[noreturn]] void contain_leave(const Containment* frame, std::uint64_t code);

// Goes back to what a signal interrupted, as sigreturn does but for mask and alternate stack, which
// stay as they are. REQUIRES: can_resume(uc).
[[noreturn]] void resume_context(const ucontext_t* uc);

// Sets the trap flag: a SIGTRAP behind each instruction from here on.
void raise_trap_flag();
}

// What must hold of the flags after a call. Null, or what is wrong.
inline const char* flags_problem([[maybe_unused]] const Probe& probe) {
#if defined(__x86_64__)
  if ((probe.flags_after & 0x400) != 0) return "direction flag";
#endif
  return nullptr;
}
inline constexpr const char* kControlNames[2] = {"MXCSR", "x87 control word"};
// Legal values that are not the ones a signal handler starts with.
inline constexpr std::uint32_t kControlProbe[2] = {0x3f80, 0x027f};

}  // namespace sigsweep::inject
