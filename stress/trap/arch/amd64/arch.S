// The harness's own assembly on amd64: containment and the register probe. Contracts: arch.h.
//
//   both frames:   return address | rbp | rbx | r12 | r13 | r14 | r15 | x87 cw, MXCSR  <- SP, 16-aligned

#include "stress/trap/arch/offsets.h"

.macro SAVE_ALL
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	movq	%rsp, %rbp
	pushq	%rbx
	.cfi_def_cfa_offset 24
	.cfi_offset rbx, -24
	pushq	%r12
	.cfi_def_cfa_offset 32
	.cfi_offset r12, -32
	pushq	%r13
	.cfi_def_cfa_offset 40
	.cfi_offset r13, -40
	pushq	%r14
	.cfi_def_cfa_offset 48
	.cfi_offset r14, -48
	pushq	%r15
	.cfi_def_cfa_offset 56
	.cfi_offset r15, -56
	subq	$8, %rsp
	.cfi_def_cfa_offset 64
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
.endm

.macro RESTORE_ALL
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	.cfi_def_cfa_offset 56
	popq	%r15
	.cfi_def_cfa_offset 48
	.cfi_restore r15
	popq	%r14
	.cfi_def_cfa_offset 40
	.cfi_restore r14
	popq	%r13
	.cfi_def_cfa_offset 32
	.cfi_restore r13
	popq	%r12
	.cfi_def_cfa_offset 24
	.cfi_restore r12
	popq	%rbx
	.cfi_def_cfa_offset 16
	.cfi_restore rbx
	popq	%rbp
	.cfi_def_cfa rsp, 8
	.cfi_restore rbp
	retq
.endm

.macro TEXT name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

	.text

TEXT contain_call
	SAVE_ALL
	movq	%rsp, %rax
	movq	%rax, containment_sp(%rdi)
	movq	containment_stack(%rdi), %rsp
	.cfi_remember_state
	.cfi_escape 0x0f, 3, 0x70, 0xc0, 0		// CFA = AX + 64, where SAVE_ALL left SP
	pushq	%rax
	pushq	%rax					// and once more, for the ABI's alignment
	.cfi_escape 0x0f, 5, 0x77, 0, 0x06, 0x23, 64	// CFA = the pushed value + 64
	movq	%rdx, %rdi
	callq	*%rsi
	movq	(%rsp), %rsp
	.cfi_restore_state
	xorl	%eax, %eax
	RESTORE_ALL
END contain_call

// Continues in contain_call's frame, with its second argument as the result.
TEXT contain_leave
	cld
	movq	containment_sp(%rdi), %rsp
	movq	%rsi, %rax
	.cfi_def_cfa rsp, 64
	.cfi_offset rbp, -16
	.cfi_offset rbx, -24
	.cfi_offset r12, -32
	.cfi_offset r13, -40
	.cfi_offset r14, -48
	.cfi_offset r15, -56
	RESTORE_ALL
END contain_leave

TEXT probe_call
	SAVE_ALL
	movq	%rdi, current_probe(%rip)
	movq	%rsp, probe_sp_before(%rdi)
	movq	%rbp, probe_fp_before(%rdi)
	ldmxcsr	probe_control_before(%rdi)
	fldcw	probe_control_before + 4(%rdi)
	movq	probe_kept_before(%rdi), %rbx
	movq	probe_kept_before + 8(%rdi), %r12
	movq	probe_kept_before + 16(%rdi), %r13
	movq	probe_kept_before + 24(%rdi), %r14
	movq	probe_kept_before + 32(%rdi), %r15
	movq	%rdx, %rdi
	callq	*%rsi
	.globl	probe_returns
probe_returns:
	movq	current_probe(%rip), %rdi
	movq	%rsp, probe_sp_after(%rdi)	// before SP is used: it may be wrong
	movq	%rbp, probe_fp_after(%rdi)
	movq	probe_sp_before(%rdi), %rsp
	movq	%rbx, probe_kept_after(%rdi)
	movq	%r12, probe_kept_after + 8(%rdi)
	movq	%r13, probe_kept_after + 16(%rdi)
	movq	%r14, probe_kept_after + 24(%rdi)
	movq	%r15, probe_kept_after + 32(%rdi)
	stmxcsr	probe_control_after(%rdi)
	fnstcw	probe_control_after + 4(%rdi)
	pushfq
	popq	probe_flags_after(%rdi)
	cld
	callq	*probe_over(%rdi)
	RESTORE_ALL
END probe_call

// DI = probe, SI = fn, DX, CX, R8 = its arguments. Finds the probe again by SP.
//
//   the frame of SAVE_ALL | probe | probe, for the ABI's alignment  <- SP while fn runs
TEXT nested_probe_call
	SAVE_ALL
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movq	%rsp, probe_sp_before(%rdi)
	movq	%rbp, probe_fp_before(%rdi)
	ldmxcsr	probe_control_before(%rdi)
	fldcw	probe_control_before + 4(%rdi)
	movq	probe_kept_before(%rdi), %rbx
	movq	probe_kept_before + 8(%rdi), %r12
	movq	probe_kept_before + 16(%rdi), %r13
	movq	probe_kept_before + 24(%rdi), %r14
	movq	probe_kept_before + 32(%rdi), %r15
	movq	%rsi, %rax
	movq	%rdx, %rdi
	movq	%rcx, %rsi
	movq	%r8, %rdx
	callq	*%rax
	.globl	nested_probe_return
	.hidden	nested_probe_return
nested_probe_return:
	movq	(%rsp), %rdi
	movq	%rsp, probe_sp_after(%rdi)	// before SP is used: it may be wrong
	movq	%rbp, probe_fp_after(%rdi)
	movq	probe_sp_before(%rdi), %rsp
	movq	probe_fp_before(%rdi), %rbp
	movq	%rbx, probe_kept_after(%rdi)
	movq	%r12, probe_kept_after + 8(%rdi)
	movq	%r13, probe_kept_after + 16(%rdi)
	movq	%r14, probe_kept_after + 24(%rdi)
	movq	%r15, probe_kept_after + 32(%rdi)
	stmxcsr	probe_control_after(%rdi)
	fnstcw	probe_control_after + 4(%rdi)
	pushfq
	.cfi_adjust_cfa_offset 8
	popq	probe_flags_after(%rdi)
	.cfi_adjust_cfa_offset -8
	cld
	addq	$16, %rsp
	.cfi_adjust_cfa_offset -16
	RESTORE_ALL
END nested_probe_call

// Uses the handler's stack, below its frame: IRETQ's own frame. The memory below the interrupted SP stays untouched.
// The caller's frame has no description: it does not exist any more.
TEXT resume_context
	.cfi_undefined rip
	movq	%rdi, %rbx
	movq	context_fpregs(%rbx), %rcx
	movl	state_xfeatures(%rcx), %eax		// only the components that the frame holds: XRSTOR looks
	movl	state_xfeatures + 4(%rcx), %edx		// for each requested one behind the last one
	xrstor64	(%rcx)
	movl	%ss, %eax
	pushq	%rax
	pushq	context_rsp(%rbx)
	pushq	context_flags(%rbx)
	movl	%cs, %eax
	pushq	%rax
	pushq	context_rip(%rbx)
	movq	context_r8(%rbx), %r8
	movq	context_r9(%rbx), %r9
	movq	context_r10(%rbx), %r10
	movq	context_r11(%rbx), %r11
	movq	context_r12(%rbx), %r12
	movq	context_r13(%rbx), %r13
	movq	context_r14(%rbx), %r14
	movq	context_r15(%rbx), %r15
	movq	context_rdi(%rbx), %rdi
	movq	context_rsi(%rbx), %rsi
	movq	context_rbp(%rbx), %rbp
	movq	context_rdx(%rbx), %rdx
	movq	context_rax(%rbx), %rax
	movq	context_rcx(%rbx), %rcx
	movq	context_rbx(%rbx), %rbx
	iretq
END resume_context

TEXT entry_call
	SAVE_ALL
	pushq	%r8
	.cfi_adjust_cfa_offset 8
	pushq	%r8				// and once more, for the ABI's alignment
	.cfi_adjust_cfa_offset 8
	movq	%rdi, %rax
	movl	%esi, %edi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movl	$entry_probe, %ebx
	movl	$entry_probe + 1, %r12d
	movl	$entry_probe + 2, %r13d
	movl	$entry_probe + 3, %r14d
	movl	$entry_probe + 4, %r15d
	callq	*%rax
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	popq	%rdi				// DI = found
	.cfi_adjust_cfa_offset -8
	movq	%rbx, found_kept(%rdi)
	movq	%r12, found_kept + 8(%rdi)
	movq	%r13, found_kept + 16(%rdi)
	movq	%r14, found_kept + 24(%rdi)
	movq	%r15, found_kept + 32(%rdi)
	leaq	48(%rsp), %rax			// where SAVE_ALL made it point
	subq	%rbp, %rax
	movq	%rax, found_fp_moved(%rdi)
	stmxcsr	found_control(%rdi)
	fnstcw	found_control + 4(%rdi)
	pushfq
	.cfi_adjust_cfa_offset 8
	popq	found_flags(%rdi)
	.cfi_adjust_cfa_offset -8
	cld
	RESTORE_ALL
END entry_call

TEXT trap_entry
	movq	%rdi, %r8
	leaq	-trap_frames(%rsp), %rdi
	movl	$trap_frames, %ecx
	movl	$stack_paint & 0xff, %eax
	rep stosb
	movq	%r8, %rdi
	movl	%eax, %ebx
	movl	%eax, %r12d
	movl	%eax, %r13d
	movl	%eax, %r14d
	movl	%eax, %r15d
	jmp	trap_taken
END trap_entry

TEXT raise_trap_flag
	pushfq
	.cfi_adjust_cfa_offset 8
	orq	$0x100, (%rsp)
	popfq
	.cfi_adjust_cfa_offset -8
	retq
END raise_trap_flag

	.local	current_probe
	.comm	current_probe, 8, 8

	.section .note.GNU-stack, "", @progbits
