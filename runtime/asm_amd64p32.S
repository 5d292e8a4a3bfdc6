// The switch stubs on amd64p32: long mode with 32-bit pointers in fields, 32-bit loads and stores and a
// 32-bit SP; calls and pushes as on amd64 (System V ABI). Contracts: stubs.h. Offsets: generated from runtime.h.
//
//   context register  DX          g       TLS, %fs:runtime_g@tpoff, 4 bytes
//   argument fn       DI          scratch AX CX SI R8 R9; the callee-saved registers are never touched
//
// The frame, while fn runs by onM from curg:
//
//   curg's stack                          g0's stack
//   +-----------------------------+       +-----------------------------+ <- g0.stack.hi
//   | caller's frame              |       | the word that minit put: m  | <- g0.sched.sp, always
//   | return address into caller  | <--+  | return address into onM     |
//   +-----------------------------+    |  | fn's frame ...              | <- SP
//                 curg.sched.sp -------+
//
// Unwinding: while SP is in g0's stack the caller's frame is found as the stubs find it, through
// m->curg->sched.sp; m is the word at g0.sched.sp. If there is no caller to return to, RIP is undefined.
//
// Sections, the same in every asm_*.S: macros; switches (onM and its variants); mcall (and cmcall); gogo and gosave;
// marks (switchtoM, goexit, closurethunk); mstart and mexit; sigtramp.

#include "runtime/offsets.h"

// ---- macros

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

// name_outermost (stubs.h): from .Lfirst_name to .Llast_name.
.macro OUTERMOST name
	.pushsection .rodata, "a", @progbits
	.p2align 2
	.globl	\name\()_outermost
\name\()_outermost:
	.long	.Lfirst_\name - \name, .Llast_\name - \name
	.popsection
.endm

#define G_TLS %fs:runtime_g@tpoff

// The same cell by way of a register, for the switches. They load g soon after they have stored it, and a load with a
// segment's base waits longer for the store.
.macro LOAD_TP
	movq	%fs:0, %r9			// the thread pointer
.endm
#define G_CELL runtime_g@tpoff(%r9)

// An offset as a two-byte ULEB128, for a DWARF expression.
#define ULEB2(n) ((n) & 0x7f) | 0x80, (n) >> 7

// SP is g0.sched.sp and curg.sched.sp points at the return address: CFA = m->curg->sched.sp + 8.
.macro CFA_THROUGH_CURG
	.cfi_escape 0x0f, 15, 0x77, 0, 0x06, 0x23, ULEB2(m_curg), 0x94, 4, 0x23, ULEB2(g_sched_sp), 0x94, 4, 0x23, 8
.endm

// The same if the G to go back to is in AX; and if it was pushed at the top of g0's stack.
.macro CFA_THROUGH_AX
	.cfi_escape 0x0f, 7, 0x70, ULEB2(g_sched_sp), 0x94, 4, 0x23, 8
.endm

.macro CFA_THROUGH_PUSHED_G
	.cfi_escape 0x0f, 10, 0x77, 0, 0x06, 0x23, ULEB2(g_sched_sp), 0x94, 4, 0x23, 8
.endm

// The caller goes on at gobuf.pc; the Gobuf's address is in DI.
.macro PC_IN_GOBUF
	.cfi_escape 0x16, 16, 5, 0x75, ULEB2(gobuf_pc), 0x94, 4
.endm

// DI is fn: put it into the context register and call the code word that it points to.
.macro CALL_FN
	movl	%edi, %edx
	movl	(%rdx), %eax
	callq	*%rax
.endm

.macro PUSH reg
	pushq	%\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm

.macro POP reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

.macro PUSH_CALLEE_SAVED
	PUSH	rbp
	PUSH	rbx
	PUSH	r12
	PUSH	r13
	PUSH	r14
	PUSH	r15
.endm

.macro POP_CALLEE_SAVED
	POP	r15
	POP	r14
	POP	r13
	POP	r12
	POP	rbx
	POP	rbp
.endm

	.section switch_text, "ax", @progbits

// ---- switches: one text, a row a variant
//
// elsewhere: the action if g is neither g0 nor curg. `reject`: badonm. `nothing`: does not check it. `direct`: on
// gsignal a plain call, else badsystemstack. `remember`: as `nothing`, but returns to the g that it came from, which is
// kept at the top of g0's stack.

.macro SWITCH name, elsewhere
TEXT \name
	LOAD_TP
	movl	G_CELL, %eax			// AX = g
	movl	g_m(%rax), %ecx			// CX = m
	.ifc \elsewhere, direct
	cmpl	m_gsignal(%rcx), %eax
	je	.Lplain_\name
	.endif
	movl	m_g0(%rcx), %esi		// SI = g0
	cmpl	%esi, %eax
	je	.Lplain_\name
	.ifnc \elsewhere, nothing
	.ifnc \elsewhere, remember
	cmpl	m_curg(%rcx), %eax
	je	.Lcurg_\name
	subq	$8, %rsp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 8
	.ifc \elsewhere, reject
	callq	badonm
	.else
	callq	badsystemstack
	.endif
	ud2					// it must not return
	.cfi_adjust_cfa_offset -8
	.endif
	.endif

.Lcurg_\name:					// save our state in g->sched
	movl	$switchtoM, g_sched_pc(%rax)
	movl	%esp, g_sched_sp(%rax)
	movl	%eax, g_sched_g(%rax)
	movl	%esi, G_CELL			// g = g0; from here until SP follows, the two disagree
	.cfi_remember_state
	movl	g_sched_sp(%rsi), %esp
	.ifc \elsewhere, remember
	CFA_THROUGH_AX
	pushq	%rax
	pushq	%rax				// and once more, for the ABI's alignment
	CFA_THROUGH_PUSHED_G
	CALL_FN
	popq	%rax
	popq	%rax				// and back: to the g that was kept
	CFA_THROUGH_AX
	LOAD_TP
	.else
	CFA_THROUGH_CURG
	CALL_FN
	LOAD_TP
	movl	G_CELL, %eax			// and back: to m->curg, not to a saved g
	movl	g_m(%rax), %ecx
	movl	m_curg(%rcx), %eax
	.endif
	movl	%eax, G_CELL
	movl	g_sched_sp(%rax), %esp
	.cfi_restore_state
	movl	$0, g_sched_sp(%rax)
	retq

.Lplain_\name:
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	CALL_FN
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	retq
END \name
.endm

#ifndef PLANT_UNCHECKED_ONM
#define ONM_ELSEWHERE reject
#else
#define ONM_ELSEWHERE nothing			// a fault planted for the tests: no check
#endif

SWITCH onM, ONM_ELSEWHERE
SWITCH onM_legacy, nothing
SWITCH onM_remember, remember
SWITCH systemstack, direct

TEXT onM_signalok
	movl	G_TLS, %eax
	movl	g_m(%rax), %ecx
	cmpl	m_gsignal(%rcx), %eax
	jne	onM
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	CALL_FN
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	retq
END onM_signalok

// ---- mcall

TEXT mcall
	movl	G_TLS, %eax			// AX = g
	movl	g_m(%rax), %ecx			// CX = m
	movl	m_g0(%rcx), %esi		// SI = g0
	cmpl	%esi, %eax
	je	.Lbadmcall
	movl	(%rsp), %r8d			// the caller's pc
	movl	%r8d, g_sched_pc(%rax)
	leal	8(%rsp), %r8d			// the caller's sp
	movl	%r8d, g_sched_sp(%rax)
	movl	%eax, g_sched_g(%rax)
	movl	%esi, G_TLS
	movl	g_sched_sp(%rsi), %esp
.Lfirst_mcall:
	.cfi_undefined rip			// returns to the caller only by gogo
	pushq	%rax				// fn's argument, where the original has it
	pushq	%rax				// and once more, for the ABI's alignment
	movl	%edi, %edx
	movl	%eax, %edi			// fn's argument, where C++ has it
	movl	(%rdx), %eax
	callq	*%rax
	callq	badmcall2
.Llast_mcall:
	ud2
.Lbadmcall:
	.cfi_restore rip
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	badmcall
	ud2
END mcall
OUTERMOST mcall

// For C++, which expects kept registers: mcall and gogo keep none, as in Go's own ABI.
TEXT cmcall
	PUSH_CALLEE_SAVED
	leaq	40(%rsp), %rbp			// rbp was pushed here: a frame for a stack walk
	subq	$8, %rsp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 8
	callq	mcall
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	POP_CALLEE_SAVED
	retq
END cmcall

// ---- gogo, gosave

// From the load of SP on it stands in the G that it goes to, as a signal's handler does in the code that was interrupted:
// that G goes on at gobuf.pc, with SP as it is. Call frame information of its own, because there a return address
// need not lie behind a call (a new G begins at its function).
TEXT gogo
	movl	gobuf_g(%rdi), %ecx
	movl	(%rcx), %eax			// faults here if g is nil
	movl	%ecx, G_TLS
	movl	gobuf_sp(%rdi), %esp
	.cfi_endproc
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa rsp, 0
	PC_IN_GOBUF
	movl	gobuf_ret(%rdi), %eax
	movl	gobuf_ctxt(%rdi), %edx
	movl	$0, gobuf_sp(%rdi)
	movl	$0, gobuf_ret(%rdi)
	movl	$0, gobuf_ctxt(%rdi)
	movl	$0, gobuf_lr(%rdi)
	movl	gobuf_pc(%rdi), %ecx
	jmpq	*%rcx
END gogo

TEXT gosave
	leal	8(%rsp), %eax			// the caller's sp
	movl	%eax, gobuf_sp(%rdi)
	movl	(%rsp), %eax			// the caller's pc
	movl	%eax, gobuf_pc(%rdi)
	movl	$0, gobuf_ret(%rdi)
	movl	$0, gobuf_ctxt(%rdi)
	movl	G_TLS, %eax
	movl	%eax, gobuf_g(%rdi)
	retq
END gosave

// ---- marks

TEXT switchtoM
	retq
END switchtoM

// A G's function returns to goexit + 1, with SP at the top of its stack. A return address lies behind a call, so a
// stack walk that looks one byte back still finds goexit.
TEXT goexit
.Lfirst_goexit:
	.cfi_undefined rip
	nop
	callq	goexit1
.Llast_goexit:
	ud2
END goexit
OUTERMOST goexit

TEXT closurethunk
	movq	%rdi, %rsi			// by mcall: g
	movl	%edx, %edi
	movl	closure_body(%rdx), %eax
	jmpq	*%rax
END closurethunk

	.text

// ---- mstart, mexit: the OS thread's side; not part of a switch, so no signal is landed here

TEXT mstart
	PUSH_CALLEE_SAVED
	.cfi_remember_state
	movl	m_g0(%rdi), %eax
	movq	%rsp, m_hostsp(%rdi)		// the OS thread's: 64 bits
	movl	%eax, G_TLS
	movl	g_sched_sp(%rax), %esp
	.cfi_undefined rip
	callq	mstart1
	ud2
	.cfi_restore_state
END mstart

// DI = m. Continues in mstart's frame.
TEXT mexit
	movl	$0, G_TLS
	movq	m_hostsp(%rdi), %rsp
	.cfi_def_cfa rsp, 56
	.cfi_offset rbp, -16
	.cfi_offset rbx, -24
	.cfi_offset r12, -32
	.cfi_offset r13, -40
	.cfi_offset r14, -48
	.cfi_offset r15, -56
	POP_CALLEE_SAVED
	retq
END mexit

// ---- sigtramp: in the switch's section, because a second signal may land in it

	.section switch_text, "ax", @progbits

TEXT sigtramp
	movl	G_TLS, %ecx			// CX = the interrupted g, sighandler's fourth argument
	testl	%ecx, %ecx
	je	.Lbadsignal
	pushq	%rcx				// kept
	.cfi_adjust_cfa_offset 8
	movl	g_m(%rcx), %eax
	movl	m_gsignal(%rax), %eax
	movl	%eax, G_TLS
	callq	sighandler
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	movl	%ecx, G_TLS
	retq
.Lbadsignal:
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	callq	badsignal
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	retq
END sigtramp

	.section .note.GNU-stack, "", @progbits
