// What the contracts need in assembly.
//
// contract_landing: the gogo contract's Gobuf leads here. It notes the registers as gogo left them.
//
//   landed: AX (ret), DX (ctxt), SP, g

	.text
	.globl	contract_landing
	.type	contract_landing, @function
	.p2align 4
contract_landing:
	.cfi_startproc
	.cfi_undefined rip
	movl	%eax, landed
	movl	%edx, landed + 4
	movl	%esp, landed + 8
	movl	%fs:runtime_g@tpoff, %ecx
	movl	%ecx, landed + 12
	andq	$-16, %rsp
	callq	contract_landed
	ud2
	.cfi_endproc
	.size	contract_landing, . - contract_landing

	.section .note.GNU-stack, "", @progbits
