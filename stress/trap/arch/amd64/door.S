// How a signal comes in by a door, and goes back (stress/trap/doors.h): what the kernel does for one, by hand.
//
//   the frame, as the kernel's (arch/x86/kernel/signal.c, get_sigframe):
//
//     the end of the alternate stack; or the interrupted SP less the red zone
//     the processor's state, aligned to 64          <- fpregs
//     siginfo                                       <- SP + 312
//     ucontext                                      <- SP + 8
//     the way back, by sigreturn                    <- SP, 16-aligned less 8

#include "stress/trap/arch/offsets.h"

.set	info, 8 + context_bytes
.set	frame_bytes, info + siginfo_bytes

.macro TEXT name
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
	.cfi_undefined rip			// the interrupted code is no caller
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

.macro KEEP register, at
	movq	\register, 8 + \at(%rsp)
.endm

.macro PUT_BACK register, at
	movq	\at(%rbx), \register
.endm

	.text

// One for each breakpoint: the only difference is its number.
.macro ARRIVAL number
	.hidden	door_arrival_\number
door_arrival_\number:
	movl	$\number, door_index + door_frame(%rip)
	jmp	door_arrive
.endm

	.p2align 4
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ARRIVAL	\number
	.endr

// All registers are the interrupted code's. Two are free once they are kept.
TEXT door_arrive
	movq	%rsp, door_rsp + door_frame(%rip)
	movq	%rax, door_rax + door_frame(%rip)
	movq	%rcx, door_rcx + door_frame(%rip)
	leaq	door_scratch + 64(%rip), %rsp
	pushfq
	popq	door_flags + door_frame(%rip)
	cld
	movq	door_rsp + door_frame(%rip), %rax
	subq	$128, %rax
	cmpb	$0, door_own + door_frame(%rip)
	jne	1f				// the signal stays on the stack that it finds
	leaq	-1(%rax), %rcx
	subq	door_stack + door_frame(%rip), %rcx
	cmpq	door_stack_size + door_frame(%rip), %rcx
	jb	1f				// SP is in the alternate stack
	movq	door_stack + door_frame(%rip), %rax
	addq	door_stack_size + door_frame(%rip), %rax
1:	subq	door_state_bytes + door_frame(%rip), %rax
	andq	$-64, %rax
	leaq	-frame_bytes(%rax), %rcx
	andq	$-16, %rcx
	leaq	-8(%rcx), %rsp
	movq	door_back + door_frame(%rip), %rcx
	movq	%rcx, (%rsp)
	KEEP	%r8, context_r8
	KEEP	%r9, context_r9
	KEEP	%r10, context_r10
	KEEP	%r11, context_r11
	KEEP	%r12, context_r12
	KEEP	%r13, context_r13
	KEEP	%r14, context_r14
	KEEP	%r15, context_r15
	KEEP	%rdi, context_rdi
	KEEP	%rsi, context_rsi
	KEEP	%rbp, context_rbp
	KEEP	%rbx, context_rbx
	KEEP	%rdx, context_rdx
	movq	%rax, 8 + context_fpregs(%rsp)
	movq	%rax, %rbx
	movq	door_rax + door_frame(%rip), %rax
	KEEP	%rax, context_rax
	movq	door_rcx + door_frame(%rip), %rax
	movq	%rax, 8 + context_rcx(%rsp)
	movq	door_rsp + door_frame(%rip), %rax
	movq	%rax, 8 + context_rsp(%rsp)
	movq	door_flags + door_frame(%rip), %rax
	movq	%rax, 8 + context_flags(%rsp)
	movl	door_index + door_frame(%rip), %eax
	leaq	door_pcs + door_frame(%rip), %rcx
	movq	(%rcx,%rax,8), %rax
	movq	%rax, 8 + context_rip(%rsp)
	// XSAVE leaves the rest of its header alone, and XRSTOR wants zeros there.
	xorl	%eax, %eax
	.irp	word, 0, 1, 2, 3, 4, 5, 6, 7
	movq	%rax, 512 + 8 * \word(%rbx)
	.endr
	movl	door_features + door_frame(%rip), %eax
	movl	door_features + 4 + door_frame(%rip), %edx
	xsave64	(%rbx)
	orl	$3, 512(%rbx)			// as the kernel: the x87 and SSE state is always there
	// From here on the vector registers are free.
	.irp	part, 0, 16, 32
	movups	door_software + \part + door_frame(%rip), %xmm0
	movups	%xmm0, state_software + \part(%rbx)
	.endr
	movq	door_state_end + door_frame(%rip), %rax
	movl	$state_end_magic, (%rbx,%rax)
	.irp	part, 0, 16
	movups	door_head + \part + door_frame(%rip), %xmm0
	movups	%xmm0, 8 + \part(%rsp)
	.endr
	movq	door_head + 32 + door_frame(%rip), %rax
	movq	%rax, 8 + 32(%rsp)
	.irp	part, 0, 16
	movups	door_segments + \part + door_frame(%rip), %xmm0
	movups	%xmm0, 8 + context_segments + \part(%rsp)
	.endr
	movq	door_segments + 32 + door_frame(%rip), %rax
	movq	%rax, 8 + context_segments + 32(%rsp)
	movq	door_mask + door_frame(%rip), %rax
	movq	%rax, 8 + context_mask(%rsp)
	movq	$trap_signal, info(%rsp)
	movq	$trap_code, info + 8(%rsp)
	// A handler begins with the processor's state as it is after a reset.
	fninit
	ldmxcsr	door_mxcsr(%rip)
	cmpb	$0, door_wide + door_frame(%rip)
	je	1f
	vzeroupper
1:	movl	$trap_signal, %edi
	leaq	info(%rsp), %rsi
	leaq	8(%rsp), %rdx
	jmp	trap_entry
	.globl	door_arrive_end
	.hidden	door_arrive_end
door_arrive_end:
END door_arrive

// DI = the context. The caller's frame does not exist any more.
TEXT door_leave
	movq	%rdi, %rbx
	movq	context_fpregs(%rbx), %rcx
	movl	state_xfeatures(%rcx), %eax
	movl	state_xfeatures + 4(%rcx), %edx
	xrstor64	(%rcx)
	movq	context_rip(%rbx), %rax
	movq	%rax, door_rax + door_frame(%rip)
	movq	context_rsp(%rbx), %rax
	movq	%rax, door_rsp + door_frame(%rip)
	pushq	context_flags(%rbx)
	PUT_BACK	%r8, context_r8
	PUT_BACK	%r9, context_r9
	PUT_BACK	%r10, context_r10
	PUT_BACK	%r11, context_r11
	PUT_BACK	%r12, context_r12
	PUT_BACK	%r13, context_r13
	PUT_BACK	%r14, context_r14
	PUT_BACK	%r15, context_r15
	PUT_BACK	%rdi, context_rdi
	PUT_BACK	%rsi, context_rsi
	PUT_BACK	%rbp, context_rbp
	PUT_BACK	%rdx, context_rdx
	PUT_BACK	%rax, context_rax
	PUT_BACK	%rcx, context_rcx
	PUT_BACK	%rbx, context_rbx
	popfq
	movq	door_rsp + door_frame(%rip), %rsp
	jmp	*door_rax + door_frame(%rip)
END door_leave

	.section .rodata
	.p2align 3
door_mxcsr:
	.long	0x1f80

	.section .data.rel.ro, "aw"
	.globl	door_arrivals
	.hidden	door_arrivals
	.p2align 3
door_arrivals:
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	.quad	door_arrival_\number
	.endr

	.bss
	.p2align 6
door_scratch:
	.skip	64

	.section .note.GNU-stack, "", @progbits
