// Kind: the call frame information is wrong from the load of SP on. The registers and the return address are kept in the
// context's struct; SP is set to where it will be in the end, and the return address is pushed last.
// In public: glibc's swapcontext on x86-64, up to at least 2.36; the like made profilers crash (gperftools 1163).
// Where: from behind the load of SP to the push.
// Predicted: a backtrace from there finds a wrong caller, or crashes: UNWINDS_TO_ENTRY is promised. A handler that takes
// none does no harm.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	stmxcsr	SAVED_AT(FROM)
	fnstcw	SAVED_AT+4(FROM)
#if defined(__x86_64__)
	movq	%r15, SAVED_AT+8(FROM)
	movq	%r14, SAVED_AT+16(FROM)
	movq	%r13, SAVED_AT+24(FROM)
	movq	%r12, SAVED_AT+32(FROM)
#else
	movl	%ebx, SAVED_AT+8(FROM)
	movl	%esi, SAVED_AT+12(FROM)
#endif
	mov	KEPT, SAVED_AT+KEPT_AT(FROM)
	mov	FRAME_POINTER, SAVED_AT+FRAME-WORD(FROM)
	push	(SP)
	.cfi_adjust_cfa_offset WORD
	pop	RETURN_AT(FROM)
	.cfi_adjust_cfa_offset -WORD
	MAKE_ROOM FRAME				// SP waits as in the other switches; the space is not used
	STORE_SP
	LOAD_SP
MARK planted_begin
	lea	FRAME+WORD(SP), SP
	.cfi_def_cfa_offset WORD		// so it will be, behind the push
	ldmxcsr	SAVED_AT(TO)
	fldcw	SAVED_AT+4(TO)
#if defined(__x86_64__)
	movq	SAVED_AT+8(TO), %r15
	movq	SAVED_AT+16(TO), %r14
	movq	SAVED_AT+24(TO), %r13
	movq	SAVED_AT+32(TO), %r12
#else
	movl	SAVED_AT+8(TO), %ebx
	movl	SAVED_AT+12(TO), %esi
#endif
	mov	SAVED_AT+KEPT_AT(TO), KEPT
	mov	SAVED_AT+FRAME-WORD(TO), FRAME_POINTER
#if defined(__x86_64__)
	pushq	RETURN_AT(TO)
#else
	pushl	RETURN_AT(TO)
#endif
MARK planted_end
	RETURN_VALUE
#endif
	END_SWITCH
