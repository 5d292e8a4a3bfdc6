// The harness's own assembly on arm: containment and the register probe. Contracts: arch.h.
//
//   both frames:   lr | fp | g | r9 | r8 | r7 | r6 | r5 | r4 | r3 | d15 ... d8 | FPSCR, a word  <- SP; FRAME bytes
//   Of the harness's 64-bit words only the low half is used; the high one is 0. g, which is R10, is saved like
//   the callee-saved registers here: a caller from outside gets its value back.

#include "stress/trap/arch/offsets.h"

	.syntax	unified
	.arch	armv7-a
	.fpu	vfpv3-d16
	.arm
	.cfi_sections .debug_frame

#define FRAME 112

.macro CFI_SAVED
	.cfi_def_cfa sp, FRAME
	.cfi_offset r4, -36
	.cfi_offset r5, -32
	.cfi_offset r6, -28
	.cfi_offset r7, -24
	.cfi_offset r8, -20
	.cfi_offset r9, -16
	.cfi_offset r10, -12
	.cfi_offset r11, -8
	.cfi_offset lr, -4
.endm

.macro SAVE_ALL
	push	{r3-r11, lr}
	.cfi_def_cfa_offset 40
	.cfi_offset r4, -36
	.cfi_offset r5, -32
	.cfi_offset r6, -28
	.cfi_offset r7, -24
	.cfi_offset r8, -20
	.cfi_offset r9, -16
	.cfi_offset r10, -12
	.cfi_offset r11, -8
	.cfi_offset lr, -4
	add	r11, sp, #36
	vpush	{d8-d15}
	.cfi_def_cfa_offset 104
	vmrs	r3, fpscr
	str	r3, [sp, #-8]!
	.cfi_def_cfa_offset FRAME
.endm

.macro RESTORE_ALL
	ldr	r3, [sp], #8
	.cfi_def_cfa_offset 104
	vmsr	fpscr, r3
	vpop	{d8-d15}
	.cfi_def_cfa_offset 40
	pop	{r3-r11, pc}
.endm

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

.macro ADDRESS reg, symbol
	movw	\reg, #:lower16:\symbol
	movt	\reg, #:upper16:\symbol
.endm

	.text

TEXT contain_call
	SAVE_ALL
	mov	r3, sp
	str	r3, [r0, #containment_sp]
	ldr	sp, [r0, #containment_stack]
	.cfi_remember_state
	.cfi_escape 0x0f, 3, 0x73, 0xf0, 0		// CFA = R3 + FRAME, where SAVE_ALL left SP
	str	r3, [sp, #-8]!
	.cfi_escape 0x0f, 6, 0x7d, 0, 0x06, 0x23, 0xf0, 0	// CFA = the pushed value + FRAME
	mov	r0, r2
	blx	r1
	ldr	r3, [sp]
	mov	sp, r3
	.cfi_restore_state
	mov	r0, #0
	mov	r1, #0
	RESTORE_ALL
END contain_call

// Continues in contain_call's frame, with its second argument, of 64 bits (R2, R3), as the result.
TEXT contain_leave
	ldr	sp, [r0, #containment_sp]
	CFI_SAVED
	mov	r0, r2
	mov	r1, r3
	RESTORE_ALL
END contain_leave

TEXT probe_call
	SAVE_ALL
	ADDRESS	r3, current_probe
	str	r0, [r3]
	str	sp, [r0, #probe_sp_before]
	str	r11, [r0, #probe_fp_before]
	ldr	r3, [r0, #probe_control_before]
	vmsr	fpscr, r3
	ldr	r4, [r0, #probe_kept_before]
	ldr	r5, [r0, #probe_kept_before + 8]
	ldr	r6, [r0, #probe_kept_before + 16]
	ldr	r7, [r0, #probe_kept_before + 24]
	ldr	r8, [r0, #probe_kept_before + 32]
	ldr	r9, [r0, #probe_kept_before + 40]
	mov	r0, r2
	blx	r1
	.globl	probe_returns
probe_returns:
	ADDRESS	r0, current_probe
	ldr	r0, [r0]
	str	sp, [r0, #probe_sp_after]		// before SP is used: it may be wrong
	str	r11, [r0, #probe_fp_after]
	ldr	sp, [r0, #probe_sp_before]
	str	r4, [r0, #probe_kept_after]
	str	r5, [r0, #probe_kept_after + 8]
	str	r6, [r0, #probe_kept_after + 16]
	str	r7, [r0, #probe_kept_after + 24]
	str	r8, [r0, #probe_kept_after + 32]
	str	r9, [r0, #probe_kept_after + 40]
	vmrs	r3, fpscr
	bic	r3, r3, #0xf8000000			// N, Z, C, V, QC
	bic	r3, r3, #0x9f				// exceptions, which accumulate
	str	r3, [r0, #probe_control_after]
	ldr	r3, [r0, #probe_over]
	blx	r3
	RESTORE_ALL
END probe_call

TEXT entry_call
	ldr	r12, [sp]				// R12 = found
	SAVE_ALL
	str	r12, [sp, #-8]!
	.cfi_adjust_cfa_offset 8
	mov	r12, r0
	mov	r0, r1
	mov	r1, r2
	ldr	r2, [sp, #8 + FRAME - 40]		// R3 as SAVE_ALL pushed it: FPSCR went through R3
	ADDRESS	r4, entry_probe
	add	r5, r4, #1
	add	r6, r4, #2
	add	r7, r4, #3
	add	r8, r4, #4
	add	r9, r4, #5
	blx	r12
	ldr	r12, [sp], #8
	.cfi_adjust_cfa_offset -8
	str	r4, [r12, #found_kept]
	str	r5, [r12, #found_kept + 4]
	str	r6, [r12, #found_kept + 8]
	str	r7, [r12, #found_kept + 12]
	str	r8, [r12, #found_kept + 16]
	str	r9, [r12, #found_kept + 20]
	add	r3, sp, #FRAME - 4			// where SAVE_ALL made it point
	sub	r3, r3, r11
	str	r3, [r12, #found_fp_moved]
	vmrs	r3, fpscr
	str	r3, [r12, #found_control]
	mov	r3, #0
	str	r3, [r12, #found_flags]
	RESTORE_ALL
END entry_call

TEXT trap_entry
	ADDRESS	r3, stack_paint
	orr	r3, r3, #0x80000000
	sub	r12, sp, #trap_frames
.Lpaint:
	str	r3, [r12], #4
	cmp	r12, sp
	blo	.Lpaint
	mov	r4, r3
	mov	r5, r3
	mov	r6, r3
	mov	r7, r3
	mov	r8, r3
	mov	r9, r3
	b	trap_taken
END trap_entry

	.local	current_probe
	.comm	current_probe, 4, 4

	.section .note.GNU-stack, "", %progbits
