// The gogo contract's Gobuf leads here: notes the registers as gogo left them.
//
//   landed: R0 (ret), R7 (ctxt), SP, g

	.syntax	unified
	.arch	armv7-a
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
	bic	r2, sp, #15
	mov	sp, r2
	bl	contract_landed
	udf	#0
	.cfi_endproc
	.size	contract_landing, . - contract_landing

	.section .note.GNU-stack, "", %progbits
