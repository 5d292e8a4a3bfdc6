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
	movq	KEPT, scratch(%rip)
MARK planted_begin
	PUSH_REG FRAME_POINTER
	MAKE_ROOM WORD
	FOR_REGISTERS_UP(PUSH_REG)
	SAVE_FPENV
	movq	scratch(%rip), KEPT
MARK planted_end
	movq	KEPT, KEPT_AT(SP)
	.cfi_rel_offset KEPT, KEPT_AT
	STORE_SP
	LOAD_SP
	RESTORE
	RETURN_VALUE
#endif
	END_SWITCH

	.local	scratch
	.comm	scratch, 8, 8
