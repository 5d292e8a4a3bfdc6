// Kind: the call frame information is wrong from the load of SP on: SP is set to where it will be in the end, and the
// registers are restored by another base.
// In public: glibc's swapcontext on x86-64, up to at least 2.36; the like made profilers crash (gperftools 1163).
// Where: from behind the load of SP to the last restore.
// Predicted: a backtrace from there finds a wrong caller, or crashes: UNWINDS_TO_ENTRY is promised. A handler that takes
// none does no harm. The words that are still to be read lie within amd64's red zone.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	STORE_SP
	movq	(TO), TO
	leaq	FRAME(TO), SP
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	.cfi_def_cfa TO, FRAME+WORD
#else
MARK planted_begin
#endif
	ldmxcsr	(TO)
	fldcw	4(TO)
	movq	8(TO), %r15
	.cfi_restore %r15
	movq	16(TO), %r14
	.cfi_restore %r14
	movq	24(TO), %r13
	.cfi_restore %r13
	movq	32(TO), %r12
	.cfi_restore %r12
	movq	KEPT_AT(TO), KEPT
	.cfi_restore KEPT
	movq	FRAME-WORD(TO), FRAME_POINTER
	.cfi_restore FRAME_POINTER
	.cfi_def_cfa SP, WORD
#if !defined(PLANTED_MENDED)
MARK planted_end
#endif
	RETURN_VALUE
	END_SWITCH
