// What the contracts need in assembly.
//
// contract_landing: the gogo contract's Gobuf leads here. It notes the registers as gogo left them.
//
//   landed: R0 (ret), R7 (ctxt), SP, g, LR

	.syntax	unified
	.arch	armv7-a
	.fpu	vfpv3-d16
	.arm
	.cfi_sections .debug_frame

	.text
	.globl	contract_landing
	.type	contract_landing, %function
	.p2align 4
contract_landing:
	.cfi_startproc
	.cfi_undefined lr
	movw	r1, #:lower16:landed
	movt	r1, #:upper16:landed
	str	r0, [r1]
	str	r7, [r1, #4]
	str	sp, [r1, #8]
	str	r10, [r1, #12]
	str	lr, [r1, #16]
	bic	r2, sp, #15
	mov	sp, r2
	bl	contract_landed
	udf	#0
	.cfi_endproc
	.size	contract_landing, . - contract_landing

// contract_keeps(fn, arg), contracts_check.h. R10 is g: no register of a caller.
	.globl	contract_keeps, contract_keeps_back
	.type	contract_keeps, %function
	.p2align 4
contract_keeps:
	.cfi_startproc
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
	mov	r2, r0
	mov	r0, r1
	movw	r1, #:lower16:contract_kept
	movt	r1, #:upper16:contract_kept
	ldm	r1, {r4-r9, r11}
	add	r1, r1, #32
	vldm	r1, {d8-d15}
	movw	r1, #0x5a5a			// no copy of an argument in another register
	mov	r3, r1
	mov	r12, r1
	blx	r2
contract_keeps_back:
	movw	r1, #:lower16:contract_kept
	movt	r1, #:upper16:contract_kept
	stm	r1, {r4-r9, r11}
	add	r1, r1, #32
	vstm	r1, {d8-d15}
	vpop	{d8-d15}
	.cfi_adjust_cfa_offset -64
	pop	{r4-r9, r11, pc}
	.cfi_endproc
	.size	contract_keeps, . - contract_keeps

// contract_leaves(m), contracts_check.h.
	.globl	contract_leaves
	.type	contract_leaves, %function
	.p2align 4
contract_leaves:
	.cfi_startproc
	movw	r4, #0x5a5a
	movw	r5, #0x5a5a
	movw	r6, #0x5a5a
	movw	r7, #0x5a5a
	movw	r8, #0x5a5a
	movw	r9, #0x5a5a
	movw	r11, #0x5a5a
	vmov	d8, r4, r5
	vmov	d9, r4, r5
	vmov	d10, r4, r5
	vmov	d11, r4, r5
	vmov	d12, r4, r5
	vmov	d13, r4, r5
	vmov	d14, r4, r5
	vmov	d15, r4, r5
	b	mexit
	.cfi_endproc
	.size	contract_leaves, . - contract_leaves

	.section .note.GNU-stack, "", %progbits
