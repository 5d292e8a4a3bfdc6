// Kind: a coroutine's first frame says that it was called by itself.
// In public: a kind of seastar 3494 and 3538: backtraces in a coroutine that run wild.
// Where: wherever SP lies on a coroutine's stack, in the switch and in the body.
// Predicted: a backtrace never ends, by call frame information and by frame pointers. A handler that takes none does no
// harm.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
	END_SWITCH

	BEGIN_FUNCTION planted_entry
#if defined(PLANTED_MENDED)
	.cfi_undefined PC
#else
	.cfi_def_cfa FRAME_POINTER, 2*WORD
	.cfi_offset PC, -WORD
	.cfi_offset FRAME_POINTER, -2*WORD
#endif
	nop
planted_entry:
#if !defined(PLANTED_MENDED)		// | itself | behind the call |, as each call with a frame pointer leaves it
#if defined(__x86_64__)
	leaq	1f(%rip), %rax
	pushq	%rax
#else
	calll	0f
0:	addl	$1f-0b, (%esp)
	subl	$8, %esp			// keeps SP aligned, with the next word
	pushl	8(%esp)
#endif
	lea	-WORD(SP), SP
	mov	SP, (SP)
	mov	SP, FRAME_POINTER
#endif
	PASS_CO
	call	RUN
1:	ud2
	END_FUNCTION planted_entry
