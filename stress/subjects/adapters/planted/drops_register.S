// Kind: a callee-saved register is saved and not restored.
// In public: golang/go 18328 is of the kind.
// Where: no signal is needed. The last instruction comes back without it.
// Predicted: state-leak, everywhere.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	STORE_SP
	LOAD_SP
	RESTORE_FPENV
	FOR_REGISTERS(POP_REG)
#if defined(PLANTED_MENDED)
	POP_REG KEPT
#else
	MAKE_ROOM -WORD
#endif
	POP_REG FRAME_POINTER
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
