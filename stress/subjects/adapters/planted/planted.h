// What the planted switches share: their contract, their frame, and the parts of them that are sound. Assembly; each
// file has one switch with one fault, and the same switch without it if PLANTED_MENDED is defined.
//
//   void* planted_switch(struct context* from, struct context* to, void* value)
//
// `from` and `to` are in planted.c: the first word of each is SP of a context that waits. Returns `value` in `to`.
// A context that waits has on its stack, from SP on:
//
//   amd64   MXCSR, x87 cw | r15 | r14 | r13 | r12 | rbx | rbp | return address
//   386     MXCSR, x87 cw | edi | esi | ebx | ebp | return address
//
// KEPT is the callee-saved register that most faults are about.
// planted_begin and planted_end say where the fault is: a signal does harm at the boundaries from the one to before the
// other. If no signal is needed, both are the instruction that comes back with the harm done.
#if defined(__x86_64__)
#define WORD 8
#define SP %rsp
#define FROM %rdi
#define TO %rsi
#define VALUE %rdx
#define RESULT %rax
#define KEPT %rbx
#define KEPT_AT 40
#define FRAME 56
#define FOR_REGISTERS(how) how %r15; how %r14; how %r13; how %r12
#define FOR_REGISTERS_UP(how) how %r12; how %r13; how %r14; how %r15
#define FRAME_POINTER %rbp
#define PC rip
#else
#define WORD 4
#define SP %esp
#define FROM %eax
#define TO %edx
#define VALUE %ecx
#define RESULT %eax
#define KEPT %ebx
#define KEPT_AT 16
#define FRAME 24
#define FOR_REGISTERS(how) how %edi; how %esi
#define FOR_REGISTERS_UP(how) how %esi; how %edi
#define FRAME_POINTER %ebp
#define PC eip
#endif

.macro PUSH_REG reg
	push	\reg
	.cfi_adjust_cfa_offset WORD
	.cfi_rel_offset \reg, 0
.endm

.macro POP_REG reg
	pop	\reg
	.cfi_adjust_cfa_offset -WORD
	.cfi_restore \reg
.endm

// Makes room for `bytes`, or gives it back if they are negative.
.macro MAKE_ROOM bytes
	lea	-(\bytes)(SP), SP
	.cfi_adjust_cfa_offset \bytes
.endm

.macro SAVE_FPENV
	MAKE_ROOM 8
	stmxcsr	(SP)
	fnstcw	4(SP)
.endm

.macro RESTORE_FPENV
	ldmxcsr	(SP)
	fldcw	4(SP)
	MAKE_ROOM -8
.endm

.macro SAVE
	PUSH_REG FRAME_POINTER
	PUSH_REG KEPT
	FOR_REGISTERS_UP(PUSH_REG)
	SAVE_FPENV
.endm

.macro STORE_SP
	mov	SP, (FROM)
.endm

.macro LOAD_SP		// the other context's frame has the same form: what is said of this one goes on to hold
	mov	(TO), SP
.endm

.macro RESTORE
	RESTORE_FPENV
	FOR_REGISTERS(POP_REG)
	POP_REG KEPT
	POP_REG FRAME_POINTER
.endm

.macro RETURN_VALUE
	mov	VALUE, RESULT
	ret
.endm

// The whole of it without a fault.
.macro SOUND_SWITCH
	SAVE
	STORE_SP
	LOAD_SP
	RESTORE
	RETURN_VALUE
.endm

.macro MARK name
	.globl	\name
\name:
.endm

.macro BEGIN_FUNCTION name
	.text
	.globl	\name
	.hidden	\name
	.type	\name, @function
	.p2align 4
	.cfi_startproc
.endm

.macro END_FUNCTION name
	.cfi_endproc
	.size	\name, . - \name
	.section .note.GNU-stack, "", @progbits
.endm

.macro BEGIN_SWITCH
	BEGIN_FUNCTION planted_switch
planted_switch:
.endm

// In front of planted_run(co), at the call of which SP is aligned to 16 bytes. The first frame has both.
.macro PASS_CO
#if defined(__x86_64__)
	movq	%r13, %rdi
#else
	subl	$12, %esp
	pushl	%edi
#endif
.endm
#if defined(__x86_64__)
#define RUN *%r12
#else
#define RUN *%esi
#endif

.macro END_SWITCH
	END_FUNCTION planted_switch
.endm
