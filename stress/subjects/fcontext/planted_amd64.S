// A switch of our own by the contract of Boost's jump_fcontext. It is right by default; each macro plants one defect,
// to show that the sweep finds it, and where. Only tests link it.
//
//   a waiting context, 64 bytes:  MXCSR, x87 cw | r12 | r13 | r14 | r15 | rbx | rbp | return address
//
// planted_begin and planted_end say where the defect is: a signal does harm at the boundaries between them. If no
// signal is needed, planted_begin is the instruction that comes back without a register.
//
//   PLANT_DROPPED_R12     r12 is saved and not restored
//   PLANT_DROPPED_MXCSR   MXCSR is saved and not restored
//   PLANT_ADRIFT          SP is in neither stack for one instruction
//   PLANT_BELOW           r12 is kept below SP for a while, planted_below bytes from SP's next value
//   PLANT_TARGET_BELOW    the same below the SP of a context that waits; read when SP has been set already
//   PLANT_UNMOVED         all registers are saved below SP, and SP is moved afterwards: within amd64's red zone
//   PLANT_STATIC          ... in a word that all contexts share

.macro SAVE slot, reg
	movq	%\reg, \slot(%rsp)
	.cfi_rel_offset \reg, \slot
.endm

.macro RESTORE slot, reg
	movq	\slot(%rsp), %\reg
	.cfi_restore \reg
.endm

.macro MARK name
	.globl	\name
	.hidden	\name
\name:
.endm

// HIDDEN less r12, made in memory: no register ever holds it, because a signal's frame holds each register.
#define HIDDEN 0x12345678
.macro HIDE at:vararg
	movq	$HIDDEN, \at
MARK planted_begin
	subq	%r12, \at
.endm

#if !defined(PLANT_ADRIFT) && !defined(PLANT_BELOW) && !defined(PLANT_TARGET_BELOW) && !defined(PLANT_UNMOVED) && \
    !defined(PLANT_STATIC)
#define LAST_INSTRUCTION_MARKED
#endif

	.section switch_text, "ax", @progbits
	.globl	jump_fcontext
	.type	jump_fcontext, @function
	.p2align 4
jump_fcontext:
	.cfi_startproc
#if defined(PLANT_BELOW)
	movq	planted_below(%rip), %rcx
	HIDE	-0x38(%rsp,%rcx)
#elif defined(PLANT_STATIC)
	movq	%r12, planted_cell(%rip)
MARK planted_begin
#endif
#if defined(PLANT_UNMOVED)
	SAVE	-0x28, r13
MARK planted_begin
	SAVE	-0x20, r14
	SAVE	-0x18, r15
	SAVE	-0x10, rbx
	SAVE	-0x08, rbp
	leaq	-0x38(%rsp), %rsp
	.cfi_adjust_cfa_offset 0x38
MARK planted_end
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
#else
	leaq	-0x38(%rsp), %rsp
	.cfi_adjust_cfa_offset 0x38
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	SAVE	0x10, r13
	SAVE	0x18, r14
	SAVE	0x20, r15
	SAVE	0x28, rbx
	SAVE	0x30, rbp
#endif
#if defined(PLANT_BELOW)
	movq	(%rsp,%rcx), %r12
MARK planted_end
	subq	$HIDDEN, %r12
	negq	%r12
#elif defined(PLANT_STATIC)
	movq	planted_cell(%rip), %r12
MARK planted_end
#endif
	SAVE	0x08, r12
#if defined(PLANT_TARGET_BELOW)
	movq	planted_below(%rip), %rcx
	HIDE	(%rsp,%rcx)
#endif
	movq	%rsp, %rax
#if defined(PLANT_ADRIFT)
	xorl	%esp, %esp
	.cfi_def_cfa rdi, 0x40
MARK planted_begin
	addq	%rdi, %rsp
MARK planted_end
	.cfi_def_cfa rsp, 0x40
#else
	movq	%rdi, %rsp			// the other context's frame has the same form
#endif
#if !defined(PLANT_DROPPED_MXCSR)
	ldmxcsr	(%rsp)
#endif
	fldcw	4(%rsp)
#if defined(PLANT_TARGET_BELOW)
	movq	(%rsp,%rcx), %r12
MARK planted_end
	subq	$HIDDEN, %r12
	negq	%r12
	.cfi_restore r12
#elif !defined(PLANT_DROPPED_R12)
	RESTORE	0x08, r12
#endif
	RESTORE	0x10, r13
	RESTORE	0x18, r14
	RESTORE	0x20, r15
	RESTORE	0x28, rbx
	RESTORE	0x30, rbp
	movq	0x38(%rsp), %r8
	.cfi_register rip, r8
	leaq	0x40(%rsp), %rsp
	.cfi_def_cfa_offset 0
	movq	%rsi, %rdx
	movq	%rax, %rdi
#if defined(LAST_INSTRUCTION_MARKED)
MARK planted_begin
MARK planted_end
#endif
	jmpq	*%r8
	.cfi_endproc
	.size	jump_fcontext, . - jump_fcontext

#if defined(PLANT_STATIC)
	.local	planted_cell
	.comm	planted_cell, 8, 8
#endif

	.section .note.GNU-stack, "", @progbits
