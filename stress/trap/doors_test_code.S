// Code for doors_test.cc: each kind of instruction that a door may cover. `boundary` notes the address in front of the
// next one.
//
// doors_run: calls doors_code with the same registers each time. AX and DX tell XRSTOR what to reset.

.macro boundary
777:
	.pushsection doors_boundaries, "aw"
	.quad	777b
	.popsection
.endm

	.text
	.globl	doors_run
	.type	doors_run, @function
	.p2align 4
doors_run:
	movq	%rdi, %rax
	movq	%rdi, %rdx
	shrq	$32, %rdx
	xrstor64	doors_reset(%rip)
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	jmp	doors_code
	.size	doors_run, . - doors_run

	.section .text.doors, "ax", @progbits
	.globl	doors_code, doors_code_end
	.type	doors_code, @function
	.p2align 4
doors_code:
	boundary
	pushq	%rbp
	boundary
	movq	%rsp, %rbp
	boundary
	pushq	%rbx
	boundary
	movq	doors_word(%rip), %rax
	boundary
	leaq	doors_word(%rip), %rcx
	boundary
	cmpq	(%rcx), %rax
	boundary
	jne	8f
	boundary
	xorl	%ebx, %ebx
	boundary
	movl	$3, %edx
1:	boundary
	addq	%rdx, %rbx
	boundary
	decl	%edx
	boundary
	jnz	1b				// 3 + 2 + 1
	boundary
	callq	doors_helper
	boundary
	leaq	doors_helper(%rip), %rcx
	boundary
	callq	*%rcx
	boundary
	callq	*doors_pointer(%rip)
	boundary
	leaq	doors_pointer(%rip), %r10
	boundary
	callq	*(%r10)				// 5 each
	boundary
	stc
	boundary
	adcq	$0, %rbx			// 1
	boundary
	movq	%rbx, %xmm3
	boundary
	paddq	%xmm3, %xmm3
	boundary
	movq	%xmm3, %rbx
	boundary
	fld1
	boundary
	fld1
	boundary
	faddp
	boundary
	fistpl	-8(%rsp)			// in the red zone
	boundary
	addl	-8(%rsp), %ebx			// 2
	boundary
	jmp	2f
	ud2
2:	boundary
	movq	%rbx, %rax
	boundary
	popq	%rbx
	boundary
	popq	%rbp
	boundary
	retq
8:	ud2
	.p2align 4
doors_helper:
	boundary
	addq	$5, %rbx
	boundary
	retq
	.p2align 4
doors_code_end:
	.size	doors_code, . - doors_code

	.section .rodata
	.p2align 6
doors_reset:					// XSAVE's form of a state that was never set
	.skip	24
	.long	0x1f80				// MXCSR
	.skip	512 + 64 - 28

	.section .data.rel.ro.doors, "aw"
	.p2align 3
doors_word:
	.quad	0x123456789abcdef
doors_pointer:
	.quad	doors_helper
	.section .note.GNU-stack, "", @progbits
