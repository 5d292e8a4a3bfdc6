// The gogo contract's Gobuf leads here: notes the registers as gogo left them.
//
//   landed: AX (ret), DX (ctxt), SP, g

	.text
	.globl	contract_landing
	.type	contract_landing, @function
	.p2align 4
contract_landing:
	.cfi_startproc
	.cfi_undefined eip
	movl	%eax, landed
	movl	%edx, landed + 4
	movl	%esp, landed + 8
	movl	%gs:runtime_g@ntpoff, %ecx
	movl	%ecx, landed + 12
	andl	$-16, %esp
	calll	contract_landed
	ud2
	.cfi_endproc
	.size	contract_landing, . - contract_landing

	.section .note.GNU-stack, "", @progbits
