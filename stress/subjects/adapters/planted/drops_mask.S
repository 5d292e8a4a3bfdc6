// Kind: the signal mask is not switched, although KEEPS_MASK is promised.
// Where: no signal is needed. The last instruction comes back with the other context's mask.
// Predicted: state-leak, everywhere: the resumer finds the coroutine's mask. The twin asks the kernel before it moves SP, as glibc's swapcontext does.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
#if defined(PLANTED_MENDED) && defined(__x86_64__)
	movq	FROM, %r12
	movq	TO, %r13
	movq	VALUE, %r14
	leaq	MASK_AT(%r12), %rdx
	leaq	MASK_AT(%r13), %rsi
	movl	$2, %edi			// SIG_SETMASK
	movl	$8, %r10d			// bytes of a mask
	movl	$14, %eax			// rt_sigprocmask
	syscall
	movq	%r12, FROM
	movq	%r13, TO
	movq	%r14, VALUE
#elif defined(PLANTED_MENDED)
	MAKE_ROOM 4
	movl	VALUE, (%esp)
	movl	FROM, %edi
	movl	TO, %ebp
	leal	MASK_AT(%edi), %edx
	leal	MASK_AT(%ebp), %ecx
	movl	$2, %ebx			// SIG_SETMASK
	movl	$8, %esi			// bytes of a mask
	movl	$175, %eax			// rt_sigprocmask
	int	$0x80
	movl	%edi, FROM
	movl	%ebp, TO
	movl	(%esp), VALUE
	MAKE_ROOM -4
#endif
	STORE_SP
	LOAD_SP
	RESTORE
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
