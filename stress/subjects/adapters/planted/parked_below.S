// Kind: a register is parked below SP for a while, beyond any red zone.
// In public: tarantool 7523 is one of the kind.
// Where: from behind the store to the instruction that reads it again.
// Predicted: state-leak on every ISA: the handler's frame, or the handler, overwrites the word.
#include "stress/subjects/adapters/planted/planted.inc"
#define DISTANCE 256

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	mov	KEPT, -DISTANCE(SP)
MARK planted_begin
	PUSH_REG FRAME_POINTER
	MAKE_ROOM WORD
	FOR_REGISTERS_UP(PUSH_REG)
	SAVE_FPENV
	mov	FRAME-DISTANCE(SP), KEPT
MARK planted_end
	mov	KEPT, KEPT_AT(SP)
	.cfi_rel_offset KEPT, KEPT_AT
	STORE_SP
	LOAD_SP
	RESTORE
	RETURN_VALUE
#endif
	END_SWITCH
