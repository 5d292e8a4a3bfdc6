// The operations on amd64: a caller that jumps to another context, which answers and jumps back. They are in assembly,
// so that the caller leaves the registers alone that a switch must keep, and every compiler has the same boundaries.
// Contracts: fcontext.h.
//
//   the caller's stack                    the other context's stack
//   +-----------------------------+       +-----------------------------+ <- frame.stack_hi
//   | return address              |       | its frame (struct Frame)    |  16(SP) in NAME_other
//   | frame                       | <--+  | where fn must not return to |
//   +-----------------------------+    |  | for the ABI's alignment     | <- SP in NAME_other
//   | a waiting context, 64 bytes | <-----| a waiting context, 64 bytes | <- frame.other
//   +-----------------------------+    |  +-----------------------------+
//                    frame.caller_sp --+

#include "stress/subjects/fcontext/offsets.h"

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

// ---- the caller's side: DI = frame

.macro ENTER_CALL
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movq	%rsp, frame_caller_sp(%rdi)
.endm

// There and back, with a nonce out and an answer in.
.macro JUMP
	movq	frame_call(%rdi), %rsi
	movq	call_in(%rsi), %rsi
	movq	frame_other(%rdi), %rdi
	callq	jump_fcontext
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	movq	%rax, frame_other(%rdi)		// where it waits now
	movq	frame_call(%rdi), %rcx
	movq	%rdx, call_got(%rcx)
	incl	call_returns(%rcx)
	retq
.endm

	.section switch_text, "ax", @progbits

TEXT round_trip_call
	ENTER_CALL
	JUMP
END round_trip_call

TEXT first_entry_call
	ENTER_CALL
	movq	frame_stack_size(%rdi), %rsi
	leaq	first_entry_other(%rip), %rdx
	movq	frame_stack_hi(%rdi), %rdi
	subq	$16, %rdi			// its frame stands there, and the ABI's alignment
	callq	make_fcontext
	movq	(%rsp), %rdi
	movq	%rax, frame_other(%rdi)
	JUMP
END first_entry_call

TEXT last_exit_call
	ENTER_CALL
	JUMP
END last_exit_call

// ---- the other context's side: DI = the context that jumped here, SI = the passed value

.macro ENTER_OTHER
	.cfi_undefined rip
	subq	$8, %rsp
.endm

// Keeps DI and SI.
.macro FILL_PRESERVED
	movq	16(%rsp), %rcx
	movq	frame_preserved(%rcx), %rbx
	movq	frame_preserved + 8(%rcx), %rbp
	movq	frame_preserved + 16(%rcx), %r12
	movq	frame_preserved + 24(%rcx), %r13
	movq	frame_preserved + 32(%rcx), %r14
	movq	frame_preserved + 40(%rcx), %r15
	ldmxcsr	frame_preserved + 48(%rcx)
	fldcw	frame_preserved + 56(%rcx)
.endm

// Jumps back to the context that jumped here; continues when it is woken.
.macro JUMP_BACK where
	callq	jump_fcontext
	movq	16(%rsp), %rcx
	movq	%rbx, \where(%rcx)
	movq	%rbp, \where + 8(%rcx)
	movq	%r12, \where + 16(%rcx)
	movq	%r13, \where + 24(%rcx)
	movq	%r14, \where + 32(%rcx)
	movq	%r15, \where + 40(%rcx)
	stmxcsr	\where + 48(%rcx)
	fnstcw	\where + 56(%rcx)
	movq	%rax, %rdi
	movq	%rdx, %rsi
.endm

// SI = the answer to SI. Keeps DI.
.macro ANSWER
	movq	16(%rsp), %rax
	movq	frame_call(%rax), %rcx
	movq	%rax, call_fn_owner(%rcx)
	movq	%rsp, call_fn_sp(%rcx)
	movq	%rsi, call_seen(%rcx)
	incl	call_fn_runs(%rcx)
	notq	%rsi
	rolq	$8, %rsi
	movq	%rsi, call_made(%rcx)
.endm

TEXT round_trip_other
	ENTER_OTHER
	FILL_PRESERVED
	JUMP_BACK frame_woken
	ANSWER
	FILL_PRESERVED				// overwrites the values it woke with: this context uses its registers
	JUMP_BACK frame_woken_last
	callq	jump_fcontext
	ud2
END round_trip_other

TEXT first_entry_other
	ENTER_OTHER
	ANSWER
	FILL_PRESERVED
	JUMP_BACK frame_woken_last
	callq	jump_fcontext
	ud2
END first_entry_other

// Ends: hands back by a function that runs on the caller's stack, when this stack is no longer used.
TEXT last_exit_other
	ENTER_OTHER
	FILL_PRESERVED
	JUMP_BACK frame_woken
	ANSWER
	FILL_PRESERVED
	leaq	release_other(%rip), %rdx
	callq	ontop_fcontext
	ud2
END last_exit_other

// On the caller's stack, in place of the return from its jump: DI = the context that has ended.
TEXT release_other
	movq	$0, 0x38(%rdi)			// its memory is free now
	xorl	%eax, %eax			// no context waits
	movq	%rsi, %rdx
	retq
END release_other

	.text

// ---- around an operation

TEXT wake_other
	ENTER_CALL
	xorl	%esi, %esi
	movq	frame_other(%rdi), %rdi
	callq	jump_fcontext
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	movq	%rax, frame_other(%rdi)
	retq
END wake_other

// DI = fn, SI = its argument, DX = the top of a stack or 0.
//
//   this stack:  return address | rbp | rbx | r12 | r13 | r14 | r15 | x87 cw, MXCSR  <- 16-aligned
//   fn's stack:  that address | once more, for the alignment
TEXT kept_call
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	pushq	%rbx
	.cfi_offset rbx, -24
	pushq	%r12
	.cfi_offset r12, -32
	pushq	%r13
	.cfi_offset r13, -40
	pushq	%r14
	.cfi_offset r14, -48
	pushq	%r15
	.cfi_offset r15, -56
	subq	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movq	%rsp, %rax
	testq	%rdx, %rdx
	cmoveq	%rsp, %rdx
	movq	%rdx, %rsp
	pushq	%rax
	pushq	%rax
	movq	%rdi, %rcx
	movq	%rsi, %rdi
	callq	*%rcx
	popq	%rsp
	.cfi_def_cfa rsp, 64
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	retq
END kept_call

	.section .note.GNU-stack, "", @progbits
