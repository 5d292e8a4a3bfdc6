// The switch stubs on 386 (System V ABI). Contracts: stubs.h. Offsets: generated from runtime.h.
//
//   context register  DX          g       TLS, %gs:runtime_g@ntpoff
//   argument fn       4(SP)       scratch AX CX; the callee-saved registers are never touched
//
// The frame, while fn runs by onM from curg:
//
//   curg's stack                          g0's stack
//   +-----------------------------+       +-----------------------------+ <- g0.stack.hi
//   | caller's frame              |       | the word that minit put: m  | <- g0.sched.sp, always
//   | fn, the argument            |       | return address into onM     |
//   | return address into caller  | <--+  | fn's frame ...              | <- SP
//   +-----------------------------+    |  +-----------------------------+
//                 curg.sched.sp -------+
//
// Unwinding: while SP is in g0's stack the caller's frame is found as the stubs find it, through
// m->curg->sched.sp; m is the word at g0.sched.sp. If there is no caller to return to, EIP is undefined.
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

#define G_TLS %gs:runtime_g@ntpoff

// The same cell by way of a register, for the switches. They load g soon after they have stored it, and a load with a
// segment's base waits longer for the store.
.macro LOAD_TP reg
	movl	%gs:0, %\reg			// the thread pointer
.endm
#define G_CELL(reg) runtime_g@ntpoff(reg)

// An offset as a two-byte ULEB128, for a DWARF expression.
#define ULEB2(n) ((n) & 0x7f) | 0x80, (n) >> 7

// SP is g0.sched.sp and curg.sched.sp points at the return address: CFA = m->curg->sched.sp + 4.
.macro CFA_THROUGH_CURG
	.cfi_escape 0x0f, 13, 0x74, 0, 0x06, 0x23, ULEB2(m_curg), 0x06, 0x23, ULEB2(g_sched_sp), 0x06, 0x23, 4
.endm

// The same if the G to go back to is in AX; and if it was pushed at the top of g0's stack.
.macro CFA_THROUGH_AX
	.cfi_escape 0x0f, 6, 0x70, ULEB2(g_sched_sp), 0x06, 0x23, 4
.endm

.macro CFA_THROUGH_PUSHED_G
	.cfi_escape 0x0f, 9, 0x74, 0, 0x06, 0x23, ULEB2(g_sched_sp), 0x06, 0x23, 4
.endm

// The caller goes on at gobuf.pc; the Gobuf's address is in CX.
.macro PC_IN_GOBUF
	.cfi_escape 0x16, 8, 4, 0x71, ULEB2(gobuf_pc), 0x06
.endm

.macro PUSH reg
	pushl	%\reg
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset \reg, 0
.endm

.macro POP reg
	popl	%\reg
	.cfi_adjust_cfa_offset -4
	.cfi_restore \reg
.endm

.macro PUSH_CALLEE_SAVED
	PUSH	ebp
	PUSH	ebx
	PUSH	esi
	PUSH	edi
.endm

.macro POP_CALLEE_SAVED
	POP	edi
	POP	esi
	POP	ebx
	POP	ebp
.endm

// Runs fn, the argument, on SP's stack: the context register is fn, its first word the code.
.macro PLAIN
	subl	$12, %esp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 12
	movl	16(%esp), %edx
	calll	*(%edx)
	addl	$12, %esp
	.cfi_adjust_cfa_offset -12
	retl
.endm

	.section switch_text, "ax", @progbits

// ---- switches: one text, a row a variant
//
// elsewhere: the action if g is neither g0 nor curg. `reject`: badonm. `nothing`: does not check it. `direct`: on
// gsignal a plain call, else badsystemstack. `remember`: as `nothing`, but returns to the g that it came from, which is
// kept at the top of g0's stack.

.macro SWITCH name, elsewhere
TEXT \name
	LOAD_TP	edx
	movl	G_CELL(%edx), %eax		// AX = g
	movl	g_m(%eax), %ecx			// CX = m
	.ifc \elsewhere, direct
	cmpl	m_gsignal(%ecx), %eax
	je	.Lplain_\name
	.endif
	cmpl	m_g0(%ecx), %eax
	je	.Lplain_\name
	.ifnc \elsewhere, nothing
	.ifnc \elsewhere, remember
	cmpl	m_curg(%ecx), %eax
	je	.Lcurg_\name
	subl	$12, %esp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 12
	.ifc \elsewhere, reject
	calll	badonm
	.else
	calll	badsystemstack
	.endif
	ud2					// it must not return
	.cfi_adjust_cfa_offset -12
	.endif
	.endif

.Lcurg_\name:					// save our state in g->sched
	movl	m_g0(%ecx), %ecx		// CX = g0
	movl	$switchtoM, g_sched_pc(%eax)
	movl	%esp, g_sched_sp(%eax)
	movl	%eax, g_sched_g(%eax)
	movl	%ecx, G_CELL(%edx)		// g = g0; from here until SP follows, the two disagree
	movl	4(%esp), %edx			// DX = fn
	.cfi_remember_state
	movl	g_sched_sp(%ecx), %esp
	.ifc \elsewhere, remember
	CFA_THROUGH_AX
	pushl	%eax
	pushl	%eax
	pushl	%eax
	pushl	%eax				// four times, for the ABI's alignment
	CFA_THROUGH_PUSHED_G
	calll	*(%edx)
	addl	$12, %esp
	popl	%eax				// and back: to the g that was kept
	CFA_THROUGH_AX
	LOAD_TP	edx
	.else
	CFA_THROUGH_CURG
	calll	*(%edx)
	LOAD_TP	edx
	movl	G_CELL(%edx), %eax		// and back: to m->curg, not to a saved g
	movl	g_m(%eax), %ecx
	movl	m_curg(%ecx), %eax
	.endif
	movl	%eax, G_CELL(%edx)
	movl	g_sched_sp(%eax), %esp
	.cfi_restore_state
	movl	$0, g_sched_sp(%eax)
	retl

.Lplain_\name:
	PLAIN
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
	movl	g_m(%eax), %ecx
	cmpl	m_gsignal(%ecx), %eax
	jne	onM
	PLAIN
END onM_signalok

// ---- mcall

TEXT mcall
	movl	G_TLS, %eax			// AX = g
	movl	g_m(%eax), %ecx
	movl	m_g0(%ecx), %ecx		// CX = g0
	cmpl	%ecx, %eax
	je	.Lbadmcall
	movl	(%esp), %edx			// the caller's pc
	movl	%edx, g_sched_pc(%eax)
	leal	4(%esp), %edx			// the caller's sp
	movl	%edx, g_sched_sp(%eax)
	movl	%eax, g_sched_g(%eax)
	movl	4(%esp), %edx			// DX = fn
	movl	%ecx, G_TLS
	movl	g_sched_sp(%ecx), %esp
.Lfirst_mcall:
	.cfi_undefined eip			// returns to the caller only by gogo
	pushl	%eax				// fn's argument, where the original has it
	pushl	%eax
	pushl	%eax
	pushl	%eax				// where C++ has it; four times, for the ABI's alignment
	calll	*(%edx)
	calll	badmcall2
.Llast_mcall:
	ud2
.Lbadmcall:
	.cfi_restore eip
	subl	$12, %esp
	.cfi_adjust_cfa_offset 12
	calll	badmcall
	ud2
END mcall
OUTERMOST mcall

// For C++, which expects kept registers: mcall and gogo keep none, as in Go's own ABI.
TEXT cmcall
	PUSH_CALLEE_SAVED
	leal	12(%esp), %ebp			// ebp was pushed here: a frame for a stack walk
	subl	$8, %esp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 8
	pushl	28(%esp)			// fn
	.cfi_adjust_cfa_offset 4
	calll	mcall
	addl	$12, %esp
	.cfi_adjust_cfa_offset -12
	POP_CALLEE_SAVED
	retl
END cmcall

// ---- gogo, gosave

// From the load of SP on it stands in the G that it goes to, as a signal's handler does in the code that was interrupted:
// that G goes on at gobuf.pc, with SP as it is. Call frame information of its own, because there a return address
// need not lie behind a call (a new G begins at its function).
TEXT gogo
	movl	4(%esp), %ecx			// CX = buf
	movl	gobuf_g(%ecx), %edx
	movl	(%edx), %eax			// faults here if g is nil
	movl	%edx, G_TLS
	movl	gobuf_sp(%ecx), %esp
	.cfi_endproc
	.cfi_startproc
	.cfi_signal_frame
	.cfi_def_cfa esp, 0
	PC_IN_GOBUF
	movl	gobuf_ret(%ecx), %eax
	movl	gobuf_ctxt(%ecx), %edx
	movl	$0, gobuf_sp(%ecx)
	movl	$0, gobuf_ret(%ecx)
	movl	$0, gobuf_ctxt(%ecx)
	movl	$0, gobuf_lr(%ecx)
	movl	gobuf_pc(%ecx), %ecx
	.cfi_register eip, ecx
	jmpl	*%ecx
END gogo

TEXT gosave
	movl	4(%esp), %ecx			// CX = buf
	leal	4(%esp), %eax			// the caller's sp
	movl	%eax, gobuf_sp(%ecx)
	movl	(%esp), %eax			// the caller's pc
	movl	%eax, gobuf_pc(%ecx)
	movl	$0, gobuf_ret(%ecx)
	movl	$0, gobuf_ctxt(%ecx)
	movl	G_TLS, %eax
	movl	%eax, gobuf_g(%ecx)
	retl
END gosave

// ---- marks

TEXT switchtoM
	retl
END switchtoM

// A G's function returns to goexit + 1, with SP at the top of its stack. A return address lies behind a call, so a
// stack walk that looks one byte back still finds goexit.
TEXT goexit
.Lfirst_goexit:
	.cfi_undefined eip
	nop
	calll	goexit1
.Llast_goexit:
	ud2
END goexit
OUTERMOST goexit

// C++ takes its arguments from the stack: a frame for them, of kThunkBytes with its return address.
TEXT closurethunk
	subl	$4, %esp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 4
	pushl	8(%esp)				// by mcall: g
	.cfi_adjust_cfa_offset 4
	pushl	%edx
	.cfi_adjust_cfa_offset 4
	calll	*closure_body(%edx)
	addl	$12, %esp
	.cfi_adjust_cfa_offset -12
	retl
END closurethunk

	.text

// ---- mstart, mexit: the OS thread's side; not part of a switch, so no signal is landed here

TEXT mstart
	movl	4(%esp), %ecx			// CX = m
	PUSH_CALLEE_SAVED
	.cfi_remember_state
	movl	m_g0(%ecx), %eax
	movl	%esp, m_hostsp(%ecx)
	movl	%eax, G_TLS
	movl	g_sched_sp(%eax), %esp
	.cfi_undefined eip
	calll	mstart1
	ud2
	.cfi_restore_state
END mstart

// 4(SP) = m. Continues in mstart's frame.
TEXT mexit
	movl	4(%esp), %ecx
	movl	$0, G_TLS
	movl	m_hostsp(%ecx), %esp
	.cfi_def_cfa esp, 20
	.cfi_offset ebp, -8
	.cfi_offset ebx, -12
	.cfi_offset esi, -16
	.cfi_offset edi, -20
	POP_CALLEE_SAVED
	retl
END mexit

// ---- sigtramp: in the switch's section, because a second signal may land in it

	.section switch_text, "ax", @progbits

// The frame: sig, info, ctx, g, which sighandler may change; then the kept g.
TEXT sigtramp
	movl	G_TLS, %ecx			// CX = the interrupted g
	subl	$28, %esp
	.cfi_adjust_cfa_offset 28
	movl	32(%esp), %eax
	movl	%eax, (%esp)			// sig
	testl	%ecx, %ecx
	je	.Lbadsignal
	movl	36(%esp), %eax
	movl	%eax, 4(%esp)			// info
	movl	40(%esp), %eax
	movl	%eax, 8(%esp)			// ctx
	movl	%ecx, 12(%esp)
	movl	%ecx, 16(%esp)			// kept
	movl	g_m(%ecx), %eax
	movl	m_gsignal(%eax), %eax
	movl	%eax, G_TLS
	calll	sighandler
	movl	16(%esp), %ecx
	movl	%ecx, G_TLS
	addl	$28, %esp
	.cfi_adjust_cfa_offset -28
	retl
.Lbadsignal:
	.cfi_adjust_cfa_offset 28
	calll	badsignal
	addl	$28, %esp
	.cfi_adjust_cfa_offset -28
	retl
END sigtramp

	.section .note.GNU-stack, "", @progbits
