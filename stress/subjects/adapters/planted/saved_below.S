// Kind: the registers are saved below SP, and SP is moved afterwards.
// In public: tarantool 7523, on arm64, which has no red zone for a kernel to respect.
// Where: from behind the first store to the instruction that moves SP.
// Predicted: ok on amd64, because 56 bytes lie within its red zone; state-leak with --no-red-zone. state-leak on 386,
// which has none.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	mov	KEPT, KEPT_AT-FRAME(SP)
MARK planted_begin
#if defined(__x86_64__)
	movq	%r15, 8-FRAME(%rsp)
	movq	%r14, 16-FRAME(%rsp)
	movq	%r13, 24-FRAME(%rsp)
	movq	%r12, 32-FRAME(%rsp)
#else
	movl	%ebx, 8-FRAME(%esp)
	movl	%esi, 12-FRAME(%esp)
#endif
	mov	FRAME_POINTER, -WORD(SP)
	MAKE_ROOM FRAME
MARK planted_end
	.cfi_rel_offset FRAME_POINTER, FRAME-WORD
	.cfi_rel_offset KEPT, KEPT_AT
#if defined(__x86_64__)
	.cfi_rel_offset r15, 8
	.cfi_rel_offset r14, 16
	.cfi_rel_offset r13, 24
	.cfi_rel_offset r12, 32
#else
	.cfi_rel_offset ebx, 8
	.cfi_rel_offset esi, 12
#endif
	stmxcsr	(SP)
	fnstcw	4(SP)
	STORE_SP
	LOAD_SP
	RESTORE
	RETURN_VALUE
#endif
	END_SWITCH
