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

// contract_keeps(fn, arg), contracts_check.h.
	.globl	contract_keeps, contract_keeps_back
	.type	contract_keeps, @function
	.p2align 4
contract_keeps:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq	$8, %rsp			// keep the ABI's alignment
	.cfi_adjust_cfa_offset 8
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	contract_kept(%rip), %rbp
	movq	contract_kept + 8(%rip), %rbx
	movq	contract_kept + 16(%rip), %r12
	movq	contract_kept + 24(%rip), %r13
	movq	contract_kept + 32(%rip), %r14
	movq	contract_kept + 40(%rip), %r15
	movl	$0x5a5a5a5a, %esi		// no copy of an argument in another register
	movl	%esi, %edx
	movl	%esi, %ecx
	movl	%esi, %r8d
	movl	%esi, %r9d
	movl	%esi, %r10d
	movl	%esi, %r11d
	callq	*%rax
contract_keeps_back:
	movq	%rbp, contract_kept(%rip)
	movq	%rbx, contract_kept + 8(%rip)
	movq	%r12, contract_kept + 16(%rip)
	movq	%r13, contract_kept + 24(%rip)
	movq	%r14, contract_kept + 32(%rip)
	movq	%r15, contract_kept + 40(%rip)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	retq
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
	movl	$0x5a5a5a5a, %r12d
	movl	$0x5a5a5a5a, %r13d
	movl	$0x5a5a5a5a, %r14d
	movl	$0x5a5a5a5a, %r15d
	jmp	mexit
	.cfi_endproc
	.size	contract_leaves, . - contract_leaves

	.section .note.GNU-stack, "", @progbits
