// The differences between the ISAs for injection: the breakpoint instruction, the trap flag, the
// registers in a signal's context, and a few routines in assembly (arch/<isa>/arch.S). Everything
// here is async-signal-safe.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include "stress/trap/arch/amd64/arch.h"
#elif defined(__i386__)
#include "stress/trap/arch/386/arch.h"
#elif defined(__arm__)
#include "stress/trap/arch/arm/arch.h"
#else
#error "no folder for this ISA below stress/trap/arch"
#endif

namespace sigsweep::trap {

inline std::uint64_t context_pc(const ucontext_t* uc) {
  return context_register(uc, kPc);
}
inline void set_context_pc(ucontext_t* uc, std::uint64_t pc) {
  set_context_register(uc, kPc, pc);
}
inline std::uint64_t context_sp(const ucontext_t* uc) {
  return context_register(uc, kSp);
}

// Of the calling function.
__attribute__((always_inline)) inline std::uint64_t current_sp() {
  std::uintptr_t sp;
#if defined(__x86_64__)
  asm volatile("movq %%rsp, %0" : "=r"(sp));
#elif defined(__i386__)
  asm volatile("movl %%esp, %0" : "=r"(sp));
#else
  asm volatile("mov %0, sp" : "=r"(sp));
#endif
  return sp;
}

// In front of a function's first instruction: the address it will return to.
inline std::uint64_t return_address(const ucontext_t* uc) {
#if defined(__arm__)
  return uc->uc_mcontext.arm_lr;
#else
  return *reinterpret_cast<const std::uintptr_t*>(static_cast<std::uintptr_t>(context_sp(uc)));
#endif
}

// The values that a call must preserve, in front of the interrupted instruction: the kept
// registers, the frame pointer, the control words. Their names: kKeptNames, "frame pointer",
// kControlNames.
inline void context_preserved(const ucontext_t* uc, std::uint64_t* out) {
  for (int r : kPreserved) *out++ = context_register(uc, r);
  context_controls(uc, out);
}

// What probe_call loads before the call and finds after it. `sp` and `fp` are its own.
struct Probe {
  void (*over)();  // called when fn has returned; need not return itself
  std::uint64_t kept_before[kKept];
  std::uint64_t kept_after[kKept];
  std::uint64_t sp_before, sp_after;
  std::uint64_t fp_before, fp_after;
  std::uint64_t flags_after;
  std::uint32_t control_before[kControls];
  std::uint32_t control_after[kControls];
};

struct Controls {
  std::uint32_t word[kControls];
};

// The findings of entry_call.
struct EntryFound {
  std::uintptr_t kept[kKept];
  std::uintptr_t fp_moved;  // the frame pointer, less what it was
  std::uintptr_t flags;
  Controls control;
};
inline constexpr std::uintptr_t kEntryProbe = 0x5a5a0100;
inline constexpr std::size_t kTrapFrames = 512;

// The point that an abandoned trial returns to, and the stack that trials start on. Trials have a
// stack of their own, because a trial that goes astray writes over its callers' frames.
struct Containment {
  std::uint64_t sp;
  std::uint64_t stack;  // its top, with the ABI's alignment
};

extern "C" {

// fn(arg) with the probe's values in the callee-saved registers and the control words. The values
// found there on return go into the probe; then probe->over() is called. probe_call needs nothing
// that lay on the stack while fn ran. Works also if fn returns with a wrong SP. One at a time in a
// process.
void probe_call(Probe* probe, void (*fn)(void*), void* arg);
// Where fn returns to: a code label within probe_call.
extern const char probe_returns[];

#if defined(__x86_64__) || defined(__i386__)
// The same for fn(a, b, c), whose result it returns; it does not call probe->over(). May nest, on
// any stack: it finds the probe where fn's SP says. So fn must return with the right SP, or it
// faults or reads another probe: sp_after tells.
void* nested_probe_call(Probe* probe, void* (*fn)(void*, void*, void*), void* a, void* b, void* c);
extern const char nested_probe_return[];  // where fn returns to
#endif

// Runs fn(arg) on frame->stack and returns 0. If contain_leave is called, returns early with the
// code that it was given (not 0).
std::uint64_t contain_call(Containment* frame, void (*fn)(void*), void* arg);
// From anywhere, on any stack, in any handler: returns from contain_call. The signal mask stays as
// it is.
[[noreturn]] void contain_leave(const Containment* frame, std::uint64_t code);

// Goes back to the code that a signal interrupted, as sigreturn does, but leaves mask and alternate
// stack as they are. REQUIRES: can_resume(uc).
[[noreturn]] void resume_context(const ucontext_t* uc);

// Calls a signal's entry as a function, with kEntryProbe + i in kept register i, and records what
// it finds there afterwards. The caller loses nothing, whatever the entry does to registers.
void entry_call(void (*entry)(int, siginfo_t*, void*), int sig, siginfo_t* info, void* context,
                EntryFound* found);

// SIGTRAP's handler. Before it goes on in trap_taken(), it overwrites kTrapFrames bytes below the
// kernel's frame and the interrupted code's registers. Else trap_taken() might push, by chance, the
// very values that the interrupted code keeps there.
void trap_entry(int sig, siginfo_t* info, void* context);
void trap_taken(int sig, siginfo_t* info, void* context);

// Sets the trap flag, if there is one: from here on a SIGTRAP behind each instruction.
void raise_trap_flag();
}

// The rule for the flags after a call and at a handler's entry. Null, or what is wrong.
inline const char* flags_problem([[maybe_unused]] std::uint64_t flags) {
#if defined(__x86_64__) || defined(__i386__)
  if ((flags & 0x400) != 0) return "direction flag";
#endif
  return nullptr;
}

// Returns the flags; from here on the direction flag is as the compiler relies on it.
__attribute__((always_inline)) inline std::uint64_t flags_at_entry() {
  std::uintptr_t flags = 0;
#if defined(__x86_64__)
  asm volatile("pushfq; popq %0; cld" : "=r"(flags) : : "cc", "memory");
#elif defined(__i386__)
  asm volatile("pushfl; popl %0; cld" : "=r"(flags) : : "cc", "memory");
#endif
  return flags;
}

// The state that a signal's entry lost, though a function must keep it (System V ABI; AAPCS). Null,
// or what.
inline const char* entry_problem(const EntryFound& found) {
  for (unsigned i = 0; i < kKept; i++) {
    if (found.kept[i] != kEntryProbe + i) return kEntryLost[i];
  }
  if (found.fp_moved != 0) return "frame pointer, lost by the signal's entry";
  return flags_problem(found.flags);
}

inline Controls read_controls() {
  Controls now{};
  read_controls(now.word);
  return now;
}

// The first control word that differs, by the names given; null: none.
inline const char* changed_control(const Controls& before, const Controls& after,
                                   const char* const (&names)[kControls]) {
  for (unsigned i = 0; i < kControls; i++) {
    if (((before.word[i] ^ after.word[i]) & kControlBits[i]) != 0) return names[i];
  }
  return nullptr;
}

}  // namespace sigsweep::trap
