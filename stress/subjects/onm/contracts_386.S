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

// contract_keeps(fn, arg), contracts_check.h.
	.globl	contract_keeps, contract_keeps_back
	.type	contract_keeps, @function
	.p2align 4
contract_keeps:
	.cfi_startproc
	pushl	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebp, 0
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
	pushl	%esi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset esi, 0
	pushl	%edi
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset edi, 0
	movl	20(%esp), %eax
	subl	$8, %esp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 8
	pushl	32(%esp)
	.cfi_adjust_cfa_offset 4
	movl	contract_kept, %ebp
	movl	contract_kept + 4, %ebx
	movl	contract_kept + 8, %esi
	movl	contract_kept + 12, %edi
	movl	$0x5a5a5a5a, %ecx		// no copy of an argument in another register
	movl	%ecx, %edx
	calll	*%eax
contract_keeps_back:
	movl	%ebp, contract_kept
	movl	%ebx, contract_kept + 4
	movl	%esi, contract_kept + 8
	movl	%edi, contract_kept + 12
	addl	$12, %esp
	.cfi_adjust_cfa_offset -12
	popl	%edi
	.cfi_adjust_cfa_offset -4
	.cfi_restore edi
	popl	%esi
	.cfi_adjust_cfa_offset -4
	.cfi_restore esi
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebx
	popl	%ebp
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebp
	retl
	.cfi_endproc
	.size	contract_keeps, . - contract_keeps

// contract_leaves(m), contracts_check.h.
	.globl	contract_leaves
	.type	contract_leaves, @function
	.p2align 4
contract_leaves:
	.cfi_startproc
	movl	$0x5a5a5a5a, %ebp
	movl	$0x5a5a5a5a, %ebx
	movl	$0x5a5a5a5a, %esi
	movl	$0x5a5a5a5a, %edi
	jmp	mexit
	.cfi_endproc
	.size	contract_leaves, . - contract_leaves

// contract_vectors(call), contracts_check.h. EBX is call.
	.globl	contract_vectors
	.type	contract_vectors, @function
	.p2align 4
contract_vectors:
	.cfi_startproc
	pushl	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
	movl	8(%esp), %ebx
	movl	16(%ebx), %eax			// which registers: EDX:EAX, as XSAVE wants it
	xorl	%edx, %edx
	movl	8(%ebx), %ecx
	testl	%eax, %eax
	jz	.Lold_before
	xrstor	(%ecx)
	jmp	.Lcall
.Lold_before:
	fxrstor	(%ecx)
.Lcall:
	subl	$4, %esp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 4
	pushl	4(%ebx)
	.cfi_adjust_cfa_offset 4
	calll	*(%ebx)
	addl	$8, %esp
	.cfi_adjust_cfa_offset -8
	movl	16(%ebx), %eax
	xorl	%edx, %edx
	movl	12(%ebx), %ecx
	testl	%eax, %eax
	jz	.Lold_after
	xsave	(%ecx)
	jmp	.Lback
.Lold_after:
	fxsave	(%ecx)
.Lback:
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebx
	retl
	.cfi_endproc
	.size	contract_vectors, . - contract_vectors

// What an operation runs where vector registers must stay: code that touches none.
	.globl	contract_nothing
	.type	contract_nothing, @function
	.p2align 4
contract_nothing:
	.cfi_startproc
	retl
	.cfi_endproc
	.size	contract_nothing, . - contract_nothing

// Likewise by mcall: the argument is g.
	.globl	contract_goes_back
	.type	contract_goes_back, @function
	.p2align 4
contract_goes_back:
	.cfi_startproc
	movl	contract_sched, %ecx
	addl	%ecx, 4(%esp)
	jmp	gogo
	.cfi_endproc
	.size	contract_goes_back, . - contract_goes_back

	.section .note.GNU-stack, "", @progbits
