// Kind: a switch that succeeds sets errno.
// Where: no signal is needed. The last instruction comes back with another errno.
// Predicted: state-leak, everywhere.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	movq	FROM, %r12
	movq	TO, %r13
	movq	VALUE, %r14
	callq	__errno_location@PLT		// SP is aligned: a return address and seven words
#if !defined(PLANTED_MENDED)
	movl	$4, (%rax)			// EINTR
#endif
	movq	%r12, FROM
	movq	%r13, TO
	movq	%r14, VALUE
	STORE_SP
	LOAD_SP
	RESTORE
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
