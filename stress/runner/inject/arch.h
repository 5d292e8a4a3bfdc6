// What differs between the ISAs for injection: the breakpoint instruction, the trap flag, the
// registers in a signal's context, and a few routines in assembly (arch_*.S). Everything here is
// async-signal-safe.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace sigsweep::inject {

#if defined(__x86_64__) || defined(__i386__)

using BreakCode = std::uint8_t;
inline constexpr BreakCode kBreakCode = 0xcc;  // int3
inline constexpr unsigned kBreakAdvance = 1;   // bytes by which pc is past it in its trap
inline constexpr bool kHasTrapFlag = true;     // else a step is made of breakpoints
// A patch is seen, through whatever mapping it is made.
inline constexpr bool kCodeIsWatched = true;
inline constexpr bool kFaultTellsWrite = true;  // fault_is_write() knows
inline constexpr bool kResumesByHand = true;    // there is a resume_context()

inline void set_trap_flag(ucontext_t* uc, bool on) {
  constexpr greg_t kTrapFlag = 0x100;
  greg_t& flags = uc->uc_mcontext.gregs[REG_EFL];
  flags = on ? flags | kTrapFlag : flags & ~kTrapFlag;
}

// Whether the access that faulted was a write: bit 1 of the page fault's error code.
inline bool fault_is_write(const ucontext_t* uc) {
  return (uc->uc_mcontext.gregs[REG_ERR] & 2) != 0;
}

// A breakpoint that stands in the code: what any injection costs at least.
inline void standing_break() {
  asm volatile("int3");
}

// The control words, by name, and legal values that nobody sets by habit: neither those that a
// process or a handler starts with nor another compiler's. Every exception is masked; MXCSR rounds
// up and flushes denormals either way, the x87 rounds up to single precision.
inline constexpr unsigned kControls = 2;
inline constexpr const char* kControlNames[kControls] = {"MXCSR", "x87 control word"};
inline constexpr std::uint32_t kControlProbe[kControls] = {0xdfc0, 0x087f};

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

#endif

#if defined(__x86_64__)

inline constexpr std::uint64_t kRedZone = 128;  // bytes below SP that belong to what is interrupted
// What a frame pointer leaves when it is divided by 16, in a function that was called with SP as
// the ABI wants it.
inline constexpr std::uint64_t kFrameAlignment = 16, kFrameRest = 0;
inline constexpr int kPc = REG_RIP, kSp = REG_RSP;
inline constexpr NamedRegister kRegisters[] = {
    {"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP}, {"rax", REG_RAX}, {"rbx", REG_RBX},
    {"rcx", REG_RCX}, {"rdx", REG_RDX}, {"rsi", REG_RSI}, {"rdi", REG_RDI}, {"r8", REG_R8}};
// The registers that a call must keep, by name, in Probe's order; and behind them the frame
// pointer.
inline constexpr unsigned kKept = 5;
inline constexpr const char* kKeptNames[kKept] = {"rbx", "r12", "r13", "r14", "r15"};
inline constexpr const char* kEntryLost[kKept] = {
    "rbx, lost by the signal's entry", "r12, lost by the signal's entry",
    "r13, lost by the signal's entry", "r14, lost by the signal's entry",
    "r15, lost by the signal's entry"};
inline constexpr int kPreserved[] = {REG_RBX, REG_R12, REG_R13, REG_R14, REG_R15, REG_RBP};
// Bytes from fpregs to what FXSAVE wrote.
inline constexpr std::size_t kFxsave = 0;

inline void context_controls(const ucontext_t* uc, std::uint64_t* out) {
  out[0] = uc->uc_mcontext.fpregs->mxcsr;
  out[1] = uc->uc_mcontext.fpregs->cwd;
}

#elif defined(__i386__)

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
inline constexpr int kPreserved[] = {REG_EBX, REG_ESI, REG_EDI, REG_EBP};
// Bytes from fpregs to what FXSAVE wrote: FSAVE's form lies in front of it (asm/sigcontext.h).
inline constexpr std::size_t kFxsave = 112;

inline void context_controls(const ucontext_t* uc, std::uint64_t* out) {
  constexpr std::size_t kMxcsr = kFxsave + 24;
  const auto* state = reinterpret_cast<const char*>(uc->uc_mcontext.fpregs);
  out[0] = *reinterpret_cast<const std::uint32_t*>(state + kMxcsr);
  out[1] = uc->uc_mcontext.fpregs->cw & 0xffff;
}

#elif defined(__arm__)

using BreakCode = std::uint32_t;
inline constexpr BreakCode kBreakCode = 0xe1200070;  // bkpt
inline constexpr unsigned kBreakAdvance = 0;
inline constexpr bool kHasTrapFlag = false;
inline constexpr bool kCodeIsWatched = false;
inline void set_trap_flag(ucontext_t*, bool) {}

inline constexpr bool kResumesByHand = false;

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
inline constexpr int kPreserved[] = {4, 5, 6, 7, 8, 9, 11};

// FPSCR: round towards zero, which no signal handler starts with.
inline constexpr unsigned kControls = 1;
inline constexpr const char* kControlNames[kControls] = {"FPSCR"};
inline constexpr std::uint32_t kControlProbe[kControls] = {0x00c00000};
// The context does not say in an easy way: it is compared at the operation's end only.
inline void context_controls(const ucontext_t*, std::uint64_t* out) {
  out[0] = 0;
}

#else
#error "no row for this ISA"
#endif

inline std::uint64_t context_pc(const ucontext_t* uc) {
  return context_register(uc, kPc);
}
inline void set_context_pc(ucontext_t* uc, std::uint64_t pc) {
  set_context_register(uc, kPc, pc);
}
inline std::uint64_t context_sp(const ucontext_t* uc) {
  return context_register(uc, kSp);
}

// Of whoever asks.
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

// In front of a function's first instruction: where it will return to.
inline std::uint64_t return_address(const ucontext_t* uc) {
#if defined(__arm__)
  return uc->uc_mcontext.arm_lr;
#else
  return *reinterpret_cast<const std::uintptr_t*>(static_cast<std::uintptr_t>(context_sp(uc)));
#endif
}

// What a call must preserve, in front of the instruction that was interrupted: the kept registers,
// the frame pointer, the control words; named by kKeptNames, "frame pointer", kControlNames.
inline void context_preserved(const ucontext_t* uc, std::uint64_t* out) {
  for (int r : kPreserved) *out++ = context_register(uc, r);
  context_controls(uc, out);
}

// What probe_call loads before the call and finds after it. `sp` and `fp` are its own.
struct Probe {
  void (*over)();  // called when fn has come back; need not return
  std::uint64_t kept_before[kKept];
  std::uint64_t kept_after[kKept];
  std::uint64_t sp_before, sp_after;
  std::uint64_t fp_before, fp_after;
  std::uint64_t flags_after;
  std::uint32_t control_before[kControls];
  std::uint32_t control_after[kControls];
};

// What entry_call found.
struct EntryFound {
  std::uintptr_t kept[kKept];
  std::uintptr_t fp_moved;  // the frame pointer, less what it was
  std::uintptr_t flags;
};
inline constexpr std::uintptr_t kEntryProbe = 0x5a5a0100;
inline constexpr std::size_t kTrapFrames = 512;

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

// Calls a signal's entry as a function, with kEntryProbe + i in kept register i, and writes down
// what it finds there afterwards. Nothing is lost for the caller, whatever the entry does to
// registers.
void entry_call(void (*entry)(int, siginfo_t*, void*), int sig, siginfo_t* info, void* context,
                EntryFound* found);

// SIGTRAP's handler. Overwrites kTrapFrames bytes below the kernel's frame, and forgets the
// interrupted code's registers, before it goes on in trap_taken(): else what that pushes might be,
// by chance, what the interrupted code keeps there.
void trap_entry(int sig, siginfo_t* info, void* context);
void trap_taken(int sig, siginfo_t* info, void* context);

// Sets the trap flag, where there is one: a SIGTRAP behind each instruction from here on.
void raise_trap_flag();
}

// What must hold of the flags after a call, and at a handler's entry. Null, or what is wrong.
inline const char* flags_problem([[maybe_unused]] std::uint64_t flags) {
#if defined(__x86_64__) || defined(__i386__)
  if ((flags & 0x400) != 0) return "direction flag";
#endif
  return nullptr;
}

// The flags as they are; and from here on the direction flag is as the compiler relies on it.
__attribute__((always_inline)) inline std::uint64_t flags_at_entry() {
  std::uintptr_t flags = 0;
#if defined(__x86_64__)
  asm volatile("pushfq; popq %0; cld" : "=r"(flags) : : "cc", "memory");
#elif defined(__i386__)
  asm volatile("pushfl; popl %0; cld" : "=r"(flags) : : "cc", "memory");
#endif
  return flags;
}

// What a signal's entry lost that a function must keep (System V ABI; AAPCS). Null, or what.
inline const char* entry_problem(const EntryFound& found) {
  for (unsigned i = 0; i < kKept; i++) {
    if (found.kept[i] != kEntryProbe + i) return kEntryLost[i];
  }
  if (found.fp_moved != 0) return "frame pointer, lost by the signal's entry";
  return flags_problem(found.flags);
}

}  // namespace sigsweep::inject
