// The switch stubs on arm (ARMv7, AAPCS). Contracts: stubs.h. Offsets: generated from runtime.h.
//
//   context register  R7          g       R10; save_g copies it to TLS if the process uses cgo
//   argument fn       R0          scratch R1 R2 R3 R12; the callee-saved registers, R7 among them, are kept
//
// The frame, while fn runs by onM from curg:
//
//   curg's stack                          g0's stack
//   +-----------------------------+       +-----------------------------+ <- g0.stack.hi
//   | caller's frame              |       | the word that minit put: m  | <- g0.sched.sp, always
//   | R7                          |       | fn's frame ...              | <- SP
//   | LR, the return address      | <--+  +-----------------------------+
//   +-----------------------------+    |
//                 curg.sched.sp -------+
//
// Unwinding: while SP is in g0's stack the caller's frame is found as the stubs find it, through
// m->curg->sched.sp; m is the word at g0.sched.sp. If there is no caller to return to, LR is undefined. The unwind
// information is in .debug_frame: this ABI's own tables describe no instruction but a call.
//
// Sections, the same in every asm_*.S: macros; switches (onM and its variants); mcall (and cmcall); gogo and gosave;
// marks (switchtoM, goexit, closurethunk); mstart and mexit; sigtramp.

#include "runtime/offsets.h"

	.syntax	unified
	.arch	armv7-a
	.fpu	vfpv3-d16
	.arm
	.cfi_sections .debug_frame

// ---- macros

.macro TEXT name
	.globl	\name
	.type	\name, %function
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
	.pushsection .rodata, "a", %progbits
	.p2align 2
	.globl	\name\()_outermost
\name\()_outermost:
	.long	.Lfirst_\name - \name, .Llast_\name - \name
	.popsection
.endm

#define g r10

// No literal pool: each word of injectable code is an instruction.
.macro ADDRESS reg, symbol
	movw	\reg, #:lower16:\symbol
	movt	\reg, #:upper16:\symbol
.endm

// An offset as a two-byte ULEB128, for a DWARF expression.
#define ULEB2(n) ((n) & 0x7f) | 0x80, (n) >> 7

// SP is g0.sched.sp and curg.sched.sp points at the saved LR: CFA = m->curg->sched.sp + 8.
.macro CFA_THROUGH_CURG
	.cfi_escape 0x0f, 13, 0x7d, 0, 0x06, 0x23, ULEB2(m_curg), 0x06, 0x23, ULEB2(g_sched_sp), 0x06, 0x23, 8
.endm

// The same if SP was saved in the former g; and if that G was pushed at the top of g0's stack.
.macro CFA_THROUGH_R1
	.cfi_escape 0x0f, 6, 0x71, ULEB2(g_sched_sp), 0x06, 0x23, 8
.endm

.macro CFA_THROUGH_PUSHED_G
	.cfi_escape 0x0f, 9, 0x7d, 0, 0x06, 0x23, ULEB2(g_sched_sp), 0x06, 0x23, 8
.endm

// R0 is fn: put it into the context register and call the code word that it points to.
.macro CALL_FN
	mov	r7, r0
	ldr	r0, [r0]
	blx	r0
.endm

// LR on top, where the original has it.
.macro ENTER
	str	r7, [sp, #-4]!
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset r7, 0
	str	lr, [sp, #-4]!
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset lr, 0
.endm

.macro LEAVE
	ldr	lr, [sp], #4
	.cfi_adjust_cfa_offset -4
	.cfi_restore lr
	ldr	r7, [sp], #4
	.cfi_adjust_cfa_offset -4
	.cfi_restore r7
	bx	lr
.endm

.macro PUSH_CALLEE_SAVED
	push	{r4-r9, r11, lr}
	.cfi_adjust_cfa_offset 32
	.cfi_rel_offset r4, 0
	.cfi_rel_offset r5, 4
	.cfi_rel_offset r6, 8
	.cfi_rel_offset r7, 12
	.cfi_rel_offset r8, 16
	.cfi_rel_offset r9, 20
	.cfi_rel_offset r11, 24
	.cfi_rel_offset lr, 28
	vpush	{d8-d15}
	.cfi_adjust_cfa_offset 64
.endm

.macro POP_CALLEE_SAVED
	vpop	{d8-d15}
	.cfi_adjust_cfa_offset -64
	pop	{r4-r9, r11, pc}
.endm

	.section switch_text, "ax", %progbits

// ---- switches: one text, a row a variant
//
// elsewhere: the action if g is neither g0 nor curg. `reject`: badonm. `nothing`: does not check it. `direct`: on
// gsignal a plain call, else badsystemstack. `remember`: as `nothing`, but returns to the g that it came from, which is
// kept at the top of g0's stack.
// curg: the field that holds m->curg. m_g0 is the commit's error.

.macro SWITCH name, elsewhere, curg=m_curg
TEXT \name
	ENTER
	ldr	r1, [g, #g_m]			// R1 = m
	.ifc \elsewhere, direct
	ldr	r2, [r1, #m_gsignal]
	cmp	g, r2
	beq	.Lplain_\name
	.endif
	ldr	r2, [r1, #m_g0]			// R2 = g0
	cmp	g, r2
	beq	.Lplain_\name
	.ifnc \elsewhere, nothing
	.ifnc \elsewhere, remember
	ldr	r3, [r1, #\curg]
	cmp	g, r3
	beq	.Lcurg_\name
	.ifc \elsewhere, reject
	bl	badonm
	.else
	bl	badsystemstack
	.endif
	udf	#0				// it must not return
	.endif
	.endif

.Lcurg_\name:					// save our state in g->sched
	ADDRESS	r3, switchtoM
	add	r3, r3, #4			// behind its push of LR, in the original
	str	r3, [g, #g_sched_pc]
	str	sp, [g, #g_sched_sp]
	str	lr, [g, #g_sched_lr]
	str	g, [g, #g_sched_g]
	mov	r1, g
	mov	g, r2				// g = g0; from here until SP follows, the two disagree
	.cfi_remember_state
	ldr	sp, [r2, #g_sched_sp]
	.ifc \elsewhere, remember
	CFA_THROUGH_R1
	str	r1, [sp, #-8]!			// with a word below, for the ABI's alignment
	CFA_THROUGH_PUSHED_G
	CALL_FN
	ldr	g, [sp], #8			// and back: to the g that was kept
	.else
	CFA_THROUGH_CURG
	CALL_FN
	ldr	r1, [g, #g_m]			// and back: to m->curg, not to a saved g
	ldr	g, [r1, #m_curg]
	.endif
	ldr	sp, [g, #g_sched_sp]
	.cfi_restore_state
	mov	r3, #0
	str	r3, [g, #g_sched_sp]		// LR stays in sched.lr
	LEAVE

.Lplain_\name:
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r7, 4
	.cfi_rel_offset lr, 0
	CALL_FN
	LEAVE
END \name
.endm

#ifndef PLANT_UNCHECKED_ONM
#define ONM_ELSEWHERE reject
#else
#define ONM_ELSEWHERE nothing			// a fault planted for the tests: no check
#endif

SWITCH onM, ONM_ELSEWHERE
SWITCH onM_arm_seed, reject, m_g0		// the commit's
SWITCH onM_legacy, nothing
SWITCH onM_remember, remember
SWITCH systemstack, direct

TEXT onM_signalok
	ldr	r1, [g, #g_m]
	ldr	r2, [r1, #m_gsignal]
	cmp	g, r2
	bne	onM
	ENTER
	CALL_FN
	LEAVE
END onM_signalok

// The first version on ARM: a frame without LR, then a call, which writes LR. R7 is C++'s, and kept.
TEXT onM_signalok_arm_first
	ldr	r1, [g, #g_m]
	ldr	r2, [r1, #m_gsignal]
	cmp	g, r2
	bne	onM
	str	r7, [sp, #-8]!
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r7, 0
	CALL_FN
	ldr	r7, [sp], #8
	.cfi_adjust_cfa_offset -8
	.cfi_restore r7
	bx	lr				// to the address that the last call left
END onM_signalok_arm_first

// ---- mcall

TEXT mcall
	ldr	r1, [g, #g_m]			// R1 = m
	ldr	r2, [r1, #m_g0]			// R2 = g0
	cmp	g, r2
	beq	.Lbadmcall
	str	lr, [g, #g_sched_pc]		// the caller's pc
	str	sp, [g, #g_sched_sp]		// the caller's sp
	mov	r3, #0
	str	r3, [g, #g_sched_lr]
	str	g, [g, #g_sched_g]
	mov	r3, g
	mov	g, r2
	ldr	sp, [r2, #g_sched_sp]
.Lfirst_mcall:
	.cfi_undefined lr			// returns to the caller only by gogo
	sub	sp, sp, #8
	str	r3, [sp, #4]			// fn's argument, where the original has it
	mov	r7, r0
	ldr	r2, [r0]
	mov	r0, r3				// fn's argument, where C++ has it
	blx	r2
	bl	badmcall2
.Llast_mcall:
	udf	#0
.Lbadmcall:
	bl	badmcall
	udf	#0
END mcall
OUTERMOST mcall

// For C++, which expects kept registers: mcall and gogo keep none, as in Go's own ABI.
TEXT cmcall
	PUSH_CALLEE_SAVED
	add	r11, sp, #92			// lr was pushed here: a frame for a stack walk
	bl	mcall
	POP_CALLEE_SAVED
END cmcall

// ---- gogo, gosave

TEXT gogo
	.cfi_undefined lr			// does not return
	mov	r1, r0				// R1 = buf
	ldr	g, [r1, #gobuf_g]
	ldr	r2, [g]				// faults here if g is nil
	ADDRESS	r2, runtime_iscgo
	ldrb	r2, [r2]
	cmp	r2, #0
	blne	save_g
	ldr	sp, [r1, #gobuf_sp]
	ldr	lr, [r1, #gobuf_lr]
	ldr	r0, [r1, #gobuf_ret]
	ldr	r7, [r1, #gobuf_ctxt]
	mov	r3, #0
	str	r3, [r1, #gobuf_sp]
	str	r3, [r1, #gobuf_ret]
	str	r3, [r1, #gobuf_ctxt]
	str	r3, [r1, #gobuf_lr]
	ldr	r2, [r1, #gobuf_pc]
	bx	r2
END gogo

TEXT gosave
	str	sp, [r0, #gobuf_sp]		// the caller's sp
	str	lr, [r0, #gobuf_pc]		// the caller's pc
	str	g, [r0, #gobuf_g]
	mov	r3, #0
	str	r3, [r0, #gobuf_lr]
	str	r3, [r0, #gobuf_ret]
	str	r3, [r0, #gobuf_ctxt]
	bx	lr
END gosave

// ---- marks

TEXT switchtoM
	bx	lr
	bx	lr				// onM saves this pc
END switchtoM

// A G's function returns to goexit + 4, with SP at the top of its stack. A return address lies behind a call, so a
// stack walk that looks back still finds goexit.
TEXT goexit
.Lfirst_goexit:
	.cfi_undefined lr
	nop
	bl	goexit1
.Llast_goexit:
	udf	#0
END goexit
OUTERMOST goexit

TEXT closurethunk
	mov	r1, r0				// by mcall: g
	mov	r0, r7
	ldr	r12, [r7, #closure_body]
	bx	r12
END closurethunk

	.text

// ---- mstart, mexit: the OS thread's side; not part of a switch, so no signal is landed here

TEXT mstart
	PUSH_CALLEE_SAVED
	.cfi_remember_state
	ldr	r1, [r0, #m_g0]
	str	sp, [r0, #m_hostsp]
	mov	g, r1
	ldr	sp, [r1, #g_sched_sp]
	.cfi_undefined lr
	bl	mstart1
	udf	#0
	.cfi_restore_state
END mstart

// R0 = m. Continues in mstart's frame.
TEXT mexit
	mov	g, #0
	ldr	sp, [r0, #m_hostsp]
	.cfi_def_cfa sp, 96
	.cfi_offset r4, -32
	.cfi_offset r5, -28
	.cfi_offset r6, -24
	.cfi_offset r7, -20
	.cfi_offset r8, -16
	.cfi_offset r9, -12
	.cfi_offset r11, -8
	.cfi_offset lr, -4
	POP_CALLEE_SAVED
END mexit

// Copy g to this thread's TLS, and back: for a process whose C code may use R10 itself. They keep all registers except
// R2, R12 and g.
TEXT save_g
	mrc	p15, 0, r12, c13, c0, 3		// the thread pointer
	ldr	r2, .Lsave_g
	str	g, [r12, r2]
	bx	lr
.Lsave_g:
	.word	runtime_g(TPOFF)
END save_g

TEXT load_g
	mrc	p15, 0, r12, c13, c0, 3
	ldr	r2, .Lload_g
	ldr	g, [r12, r2]
	bx	lr
.Lload_g:
	.word	runtime_g(TPOFF)
END load_g

// Does C code call Go code here, and do signals land in it? If so, sigtramp does not trust R10, as in the original.
	.data
	.globl	runtime_iscgo
	.type	runtime_iscgo, %object
	.size	runtime_iscgo, 1
runtime_iscgo:
	.byte	0

// ---- sigtramp: in the switch's section, because a second signal may land in it

	.section switch_text, "ax", %progbits

// The frame: LR, R0, R1, R2 of entry, the kept g, a word for the ABI's alignment.
TEXT sigtramp
	str	lr, [sp, #-24]!
	.cfi_adjust_cfa_offset 24
	.cfi_rel_offset lr, 0
	ADDRESS	r3, runtime_iscgo
	ldrb	r3, [r3]
	cmp	r3, #0
	beq	.Lhaveg
	str	r2, [sp, #12]			// load_g keeps R0 and R1
	bl	load_g
	ldr	r2, [sp, #12]
.Lhaveg:
	cmp	g, #0
	beq	.Lbadsignal
	str	g, [sp, #16]			// kept
	mov	r3, g				// the interrupted g, sighandler's fourth argument
	ldr	r12, [g, #g_m]
	ldr	g, [r12, #m_gsignal]
	bl	sighandler
	ldr	g, [sp, #16]
	ldr	lr, [sp], #24
	.cfi_adjust_cfa_offset -24
	.cfi_restore lr
	bx	lr
.Lbadsignal:
	.cfi_adjust_cfa_offset 24
	.cfi_rel_offset lr, 0
	bl	badsignal
	ldr	lr, [sp], #24
	.cfi_adjust_cfa_offset -24
	.cfi_restore lr
	bx	lr
END sigtramp

	.section .note.GNU-stack, "", %progbits
