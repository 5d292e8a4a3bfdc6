// Offsets for arch_*.S, generated in the same way as runtime/offsets.cc's.
#include <cstddef>

#include "stress/base/raw_memory.h"
#include "stress/trap/arch.h"
#include "stress/trap/door_frame.h"
#include "stress/trap/frame.h"

#define OFFSET(name, type, member) \
  asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(offsetof(sigsweep::trap::type, member)))

#define VALUE(name, value) asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(value))

#define CONTEXT(name, member)                         \
  asm volatile("\n.ascii \"->context_" #name " %c0\"" \
               :                                      \
               : "i"(offsetof(ucontext_t, uc_mcontext.member)))

void offsets();
void offsets() {
  OFFSET(probe_over, Probe, over);
  OFFSET(probe_kept_before, Probe, kept_before);
  OFFSET(probe_kept_after, Probe, kept_after);
  OFFSET(probe_sp_before, Probe, sp_before);
  OFFSET(probe_sp_after, Probe, sp_after);
  OFFSET(probe_fp_before, Probe, fp_before);
  OFFSET(probe_fp_after, Probe, fp_after);
  OFFSET(probe_flags_after, Probe, flags_after);
  OFFSET(probe_control_before, Probe, control_before);
  OFFSET(probe_control_after, Probe, control_after);
  OFFSET(found_kept, EntryFound, kept);
  OFFSET(found_fp_moved, EntryFound, fp_moved);
  OFFSET(found_flags, EntryFound, flags);
  OFFSET(found_control, EntryFound, control);
  VALUE(trap_frames, sigsweep::trap::kTrapFrames);
  VALUE(stack_paint, sigsweep::kStackPaint & 0x7fffffff);
  VALUE(entry_probe, sigsweep::trap::kEntryProbe);
  OFFSET(containment_sp, Containment, sp);
  OFFSET(containment_stack, Containment, stack);
#if defined(__x86_64__) || defined(__i386__)
  VALUE(state_fxsave, sigsweep::trap::kFxsave);
  VALUE(state_xfeatures, sigsweep::trap::kFxsave + sigsweep::trap::SoftwareBytes::kOffset +
                             offsetof(sigsweep::trap::SoftwareBytes, xfeatures));
#endif
#if defined(__x86_64__)
  CONTEXT(fpregs, fpregs);
  CONTEXT(r8, gregs[REG_R8]);
  CONTEXT(r9, gregs[REG_R9]);
  CONTEXT(r10, gregs[REG_R10]);
  CONTEXT(r11, gregs[REG_R11]);
  CONTEXT(r12, gregs[REG_R12]);
  CONTEXT(r13, gregs[REG_R13]);
  CONTEXT(r14, gregs[REG_R14]);
  CONTEXT(r15, gregs[REG_R15]);
  CONTEXT(rdi, gregs[REG_RDI]);
  CONTEXT(rsi, gregs[REG_RSI]);
  CONTEXT(rbp, gregs[REG_RBP]);
  CONTEXT(rbx, gregs[REG_RBX]);
  CONTEXT(rdx, gregs[REG_RDX]);
  CONTEXT(rax, gregs[REG_RAX]);
  CONTEXT(rcx, gregs[REG_RCX]);
  CONTEXT(rsp, gregs[REG_RSP]);
  CONTEXT(rip, gregs[REG_RIP]);
  CONTEXT(flags, gregs[REG_EFL]);
#elif defined(__i386__)
  CONTEXT(fpregs, fpregs);
  CONTEXT(edi, gregs[REG_EDI]);
  CONTEXT(esi, gregs[REG_ESI]);
  CONTEXT(ebp, gregs[REG_EBP]);
  CONTEXT(ebx, gregs[REG_EBX]);
  CONTEXT(edx, gregs[REG_EDX]);
  CONTEXT(eax, gregs[REG_EAX]);
  CONTEXT(ecx, gregs[REG_ECX]);
  CONTEXT(esp, gregs[REG_ESP]);
  CONTEXT(eip, gregs[REG_EIP]);
  CONTEXT(flags, gregs[REG_EFL]);
#endif
}

// Those of door.S.
void offsets_of_doors();
void offsets_of_doors() {
#if defined(__x86_64__)
  OFFSET(door_rsp, DoorFrame, rsp);
  OFFSET(door_rax, DoorFrame, rax);
  OFFSET(door_rcx, DoorFrame, rcx);
  OFFSET(door_flags, DoorFrame, flags);
  OFFSET(door_index, DoorFrame, index);
  OFFSET(door_own, DoorFrame, own);
  OFFSET(door_wide, DoorFrame, wide);
  OFFSET(door_stack, DoorFrame, stack);
  OFFSET(door_stack_size, DoorFrame, stack_size);
  OFFSET(door_pcs, DoorFrame, pcs);
  OFFSET(door_state_bytes, DoorFrame, state_bytes);
  OFFSET(door_state_end, DoorFrame, state_end);
  OFFSET(door_features, DoorFrame, features);
  OFFSET(door_head, DoorFrame, head);
  OFFSET(door_segments, DoorFrame, segments);
  OFFSET(door_mask, DoorFrame, mask);
  OFFSET(door_back, DoorFrame, back);
  OFFSET(door_software, DoorFrame, software);
  VALUE(state_software, sigsweep::trap::SoftwareBytes::kOffset);
  VALUE(state_end_magic, sigsweep::trap::SoftwareBytes::kEndMagic);
  VALUE(context_bytes, 304);
  VALUE(siginfo_bytes, sizeof(siginfo_t));
  VALUE(context_mask, offsetof(ucontext_t, uc_sigmask));
  VALUE(trap_signal, SIGTRAP);
  VALUE(trap_code, SI_KERNEL);
  CONTEXT(segments, gregs[REG_CSGSFS]);
#endif
}
