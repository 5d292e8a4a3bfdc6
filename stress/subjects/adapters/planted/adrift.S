// Kind: SP is in no stack for one instruction.
// Where: at the one instruction between planted_begin and planted_end.
// Predicted: on an alternate stack wrong-switch, because SP lies in no stack. Without one the kernel has no place for the
// handler's frame: crash.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	SAVE
	STORE_SP
	mov	(TO), TO
	.cfi_def_cfa TO, FRAME+WORD
	xor	SP, SP
MARK planted_begin
	add	TO, SP
MARK planted_end
	.cfi_def_cfa SP, FRAME+WORD
	RESTORE
	RETURN_VALUE
#endif
	END_SWITCH
