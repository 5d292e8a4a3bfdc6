// What the contracts need in assembly, the same for amd64 and amd64p32.

	.text
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

// contract_vectors(call), contracts_check.h. RBX is call; kept registers need nothing more, as the stubs keep them.
	.globl	contract_vectors
	.type	contract_vectors, @function
	.p2align 4
contract_vectors:
	.cfi_startproc
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	movq	%rdi, %rbx
	movl	32(%rbx), %eax			// which registers: EDX:EAX, as XSAVE wants it
	xorl	%edx, %edx
	movq	16(%rbx), %rcx
	testl	%eax, %eax
	jz	.Lold_before
	xrstor	(%rcx)
	jmp	.Lcall
.Lold_before:
	fxrstor	(%rcx)
.Lcall:
	movq	8(%rbx), %rdi
	callq	*(%rbx)
	movl	32(%rbx), %eax
	xorl	%edx, %edx
	movq	24(%rbx), %rcx
	testl	%eax, %eax
	jz	.Lold_after
	xsave	(%rcx)
	jmp	.Lback
.Lold_after:
	fxsave	(%rcx)
.Lback:
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	retq
	.cfi_endproc
	.size	contract_vectors, . - contract_vectors

// What an operation runs where vector registers must stay: code that touches none.
	.globl	contract_nothing
	.type	contract_nothing, @function
	.p2align 4
contract_nothing:
	.cfi_startproc
	retq
	.cfi_endproc
	.size	contract_nothing, . - contract_nothing

// Likewise by mcall: DI is g.
	.globl	contract_goes_back
	.type	contract_goes_back, @function
	.p2align 4
contract_goes_back:
	.cfi_startproc
	addq	contract_sched(%rip), %rdi
	jmp	gogo
	.cfi_endproc
	.size	contract_goes_back, . - contract_goes_back

	.section .note.GNU-stack, "", @progbits
