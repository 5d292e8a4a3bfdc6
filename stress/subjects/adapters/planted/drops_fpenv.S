// Kind: the floating-point environment is saved and not restored, although KEEPS_FPENV is promised. drops_mxcsr: MXCSR.
// drops_x87: the x87 control word.
// Where: no signal is needed. The last instruction comes back without it.
// Predicted: state-leak, everywhere.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	STORE_SP
	LOAD_SP
#if defined(PLANTED_MENDED) || !defined(DROPS_MXCSR)
	ldmxcsr	(SP)
#endif
#if defined(PLANTED_MENDED) || !defined(DROPS_X87)
	fldcw	4(SP)
#endif
	MAKE_ROOM -8
	FOR_REGISTERS(POP_REG)
	POP_REG KEPT
	POP_REG FRAME_POINTER
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
