// The switch stubs on amd64 (System V ABI). Contracts: stubs.h. Offsets: generated from runtime.h.
//
//   context register  DX          g       TLS, %fs:runtime_g@tpoff
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
// segment's base waits longer for the store (BM_onM_curg: 7.2 ns instead of 5.3).
.macro LOAD_TP
	movq	%fs:0, %r9			// the thread pointer
.endm
#define G_CELL runtime_g@tpoff(%r9)

// An offset as a two-byte ULEB128, for a DWARF expression.
#define ULEB2(n) ((n) & 0x7f) | 0x80, (n) >> 7

// SP is g0.sched.sp and curg.sched.sp points at the return address: CFA = m->curg->sched.sp + 8.
.macro CFA_THROUGH_CURG
	.cfi_escape 0x0f, 13, 0x77, 0, 0x06, 0x23, ULEB2(m_curg), 0x06, 0x23, ULEB2(g_sched_sp), 0x06, 0x23, 8
.endm

// The same if the G to go back to is in AX; and if it was pushed at the top of g0's stack.
.macro CFA_THROUGH_AX
	.cfi_escape 0x0f, 6, 0x70, ULEB2(g_sched_sp), 0x06, 0x23, 8
.endm

.macro CFA_THROUGH_PUSHED_G
	.cfi_escape 0x0f, 9, 0x77, 0, 0x06, 0x23, ULEB2(g_sched_sp), 0x06, 0x23, 8
.endm

// The caller goes on at gobuf.pc; the Gobuf's address is in DI.
.macro PC_IN_GOBUF
	.cfi_escape 0x16, 16, 4, 0x75, ULEB2(gobuf_pc), 0x06
.endm

// DI is fn: put it into the context register and call the code word that it points to.
.macro CALL_FN
	movq	%rdi, %rdx
	callq	*(%rdx)
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
	movq	G_CELL, %rax			// AX = g
	movq	g_m(%rax), %rcx			// CX = m
	.ifc \elsewhere, direct
	cmpq	m_gsignal(%rcx), %rax
	je	.Lplain_\name
	.endif
	movq	m_g0(%rcx), %rsi		// SI = g0
	cmpq	%rsi, %rax
	je	.Lplain_\name
	.ifnc \elsewhere, nothing
	.ifnc \elsewhere, remember
	cmpq	m_curg(%rcx), %rax
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
	leaq	switchtoM(%rip), %r8
	movq	%r8, g_sched_pc(%rax)
	movq	%rsp, g_sched_sp(%rax)
	movq	%rax, g_sched_g(%rax)
	movq	%rsi, G_CELL			// g = g0; from here until SP follows, the two disagree
	.cfi_remember_state
	movq	g_sched_sp(%rsi), %rsp
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
	movq	G_CELL, %rax			// and back: to m->curg, not to a saved g
	movq	g_m(%rax), %rcx
	movq	m_curg(%rcx), %rax
	.endif
	movq	%rax, G_CELL
	movq	g_sched_sp(%rax), %rsp
	.cfi_restore_state
	movq	$0, g_sched_sp(%rax)
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
	movq	G_TLS, %rax
	movq	g_m(%rax), %rcx
	cmpq	m_gsignal(%rcx), %rax
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
	movq	G_TLS, %rax			// AX = g
	movq	g_m(%rax), %rcx			// CX = m
	movq	m_g0(%rcx), %rsi		// SI = g0
	cmpq	%rsi, %rax
	je	.Lbadmcall
	movq	(%rsp), %r8			// the caller's pc
	movq	%r8, g_sched_pc(%rax)
	leaq	8(%rsp), %r8			// the caller's sp
	movq	%r8, g_sched_sp(%rax)
	movq	%rax, g_sched_g(%rax)
	movq	%rsi, G_TLS
	movq	g_sched_sp(%rsi), %rsp
.Lfirst_mcall:
	.cfi_undefined rip			// returns to the caller only by gogo
	pushq	%rax				// fn's argument, where the original has it
	pushq	%rax				// and once more, for the ABI's alignment
	movq	%rdi, %rdx
	movq	%rax, %rdi			// fn's argument, where C++ has it
	callq	*(%rdx)
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
	movq	gobuf_g(%rdi), %rcx
	movq	(%rcx), %rax			// faults here if g is nil
	movq	%rcx, G_TLS
	movq	gobuf_sp(%rdi), %rsp
	.cfi_endproc
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa rsp, 0
	PC_IN_GOBUF
	movq	gobuf_ret(%rdi), %rax
	movq	gobuf_ctxt(%rdi), %rdx
#ifndef PLANT_UNCLEARED_GOGO			// a fault planted for the tests
	movq	$0, gobuf_sp(%rdi)
#endif
	movq	$0, gobuf_ret(%rdi)
	movq	$0, gobuf_ctxt(%rdi)
	movq	$0, gobuf_lr(%rdi)
	movq	gobuf_pc(%rdi), %rcx
	jmpq	*%rcx
END gogo

TEXT gosave
	leaq	8(%rsp), %rax			// the caller's sp
	movq	%rax, gobuf_sp(%rdi)
	movq	(%rsp), %rax			// the caller's pc
	movq	%rax, gobuf_pc(%rdi)
	movq	$0, gobuf_ret(%rdi)
	movq	$0, gobuf_ctxt(%rdi)
	movq	G_TLS, %rax
	movq	%rax, gobuf_g(%rdi)
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
	movq	%rdx, %rdi
	jmpq	*closure_body(%rdx)
END closurethunk

	.text

// ---- mstart, mexit: the OS thread's side; not part of a switch, so no signal is landed here

TEXT mstart
	PUSH_CALLEE_SAVED
	.cfi_remember_state
	movq	m_g0(%rdi), %rax
	movq	%rsp, m_hostsp(%rdi)
	movq	%rax, G_TLS
	movq	g_sched_sp(%rax), %rsp
	.cfi_undefined rip
	callq	mstart1
	ud2
	.cfi_restore_state
END mstart

// DI = m. Continues in mstart's frame.
TEXT mexit
	movq	$0, G_TLS
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
	movq	G_TLS, %rcx			// CX = the interrupted g, sighandler's fourth argument
	testq	%rcx, %rcx
	je	.Lbadsignal
	pushq	%rcx				// kept
	.cfi_adjust_cfa_offset 8
	movq	g_m(%rcx), %rax
	movq	m_gsignal(%rax), %rax
	movq	%rax, G_TLS
	callq	sighandler
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	movq	%rcx, G_TLS
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
