// Kind: the signal mask is not switched, although KEEPS_MASK is promised.
// Where: no signal is needed. The last instruction comes back with the other context's mask.
// Predicted: state-leak, everywhere. The twin asks the kernel before it moves SP, as glibc's swapcontext does.
#include "stress/subjects/adapters/planted/planted.inc"
#define MASK_AT 64			// in struct context

	BEGIN_SWITCH
	SAVE
#if defined(PLANTED_MENDED)
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
#endif
	STORE_SP
	LOAD_SP
	RESTORE
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
