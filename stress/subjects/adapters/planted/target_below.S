// Kind: a restore reads what it needs from below an SP that was set already.
// In public: dotnet/runtime 101060: the target of a context's restore.
// Where: from behind the store of the word, DISTANCE bytes below the SP that waits, to the instruction that reads it.
// Predicted: state-leak, at every distance beyond the red zone.
#include "stress/subjects/adapters/planted/planted.inc"
#if !defined(DISTANCE)
#define DISTANCE 136			// the first word beyond amd64's red zone
#endif

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	SAVE
	mov	KEPT, -DISTANCE(SP)
MARK planted_begin
	STORE_SP
	LOAD_SP
	mov	-DISTANCE(SP), KEPT
	.cfi_restore KEPT
MARK planted_end
	RESTORE_FPENV
	FOR_REGISTERS(POP_REG)
	MAKE_ROOM -WORD
	POP_REG FRAME_POINTER
	RETURN_VALUE
#endif
	END_SWITCH
