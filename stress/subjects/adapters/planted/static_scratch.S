// Kind: a switch is not reentrant: it keeps a register for a while in a word that all contexts share.
// Where: from behind the store to the instruction that reads it again.
// Predicted: state-leak if the handler switches: its own switch overwrites the word. A handler that does not switch does
// no harm.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	PUSH_REG FRAME_POINTER
	MAKE_ROOM WORD
	FOR_REGISTERS_UP(PUSH_REG)
	SAVE_FPENV
	mov	SHARED_AT(FROM), SPARE
	mov	KEPT, SCRATCH_AT(SPARE)
MARK planted_begin
	STORE_SP
	mov	SCRATCH_AT(SPARE), KEPT
MARK planted_end
	mov	KEPT, KEPT_AT(SP)
	.cfi_rel_offset KEPT, KEPT_AT
	LOAD_SP
	RESTORE
	RETURN_VALUE
#endif
	END_SWITCH
