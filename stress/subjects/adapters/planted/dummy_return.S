// Kind: a coroutine's first frame has a return address that is none.
// In public: backtrace() crashes in it (gperftools 1163, seastar 3494 and 3538): the unwinder looks at the bytes there.
// Where: wherever SP lies on a coroutine's stack, in the switch and in the body.
// Predicted: a backtrace crashes. A handler that takes none does no harm. wild_return: the address lies in code, within a
// function that was never called. The backtrace goes on there, to a frame whose code is no code: broken-backtrace.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
	END_SWITCH

	BEGIN_FUNCTION planted_entry
#if defined(PLANTED_MENDED)
	.cfi_undefined PC
#endif
	nop
planted_entry:
#if defined(WILD) && !defined(PLANTED_MENDED)
	.rept	8			// what the frame of the function that was never called seems to hold
	push	SP
	.endr
#endif
	PASS_CO
#if defined(PLANTED_MENDED)
	call	RUN
#elif !defined(WILD)
	push	$16
	jmp	RUN
#elif defined(__x86_64__)
	leaq	planted_switch+4(%rip), %rax
	pushq	%rax
	jmp	RUN
#else
	calll	1f
1:	addl	$planted_switch+9-1b, (%esp)	// its caller's address lies above what PASS_CO left
	jmp	RUN
#endif
	ud2
	END_FUNCTION planted_entry
