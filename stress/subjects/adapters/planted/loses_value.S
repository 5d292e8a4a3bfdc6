// Kind: the value that a switch carries does not arrive.
// Where: no signal is needed. The last instruction comes back without it.
// Predicted: wrong-switch, everywhere.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	STORE_SP
	LOAD_SP
	RESTORE
#if defined(PLANTED_MENDED)
	mov	VALUE, RESULT
#else
	mov	(SP), RESULT		// the return address, in which no value of the harness is
#endif
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
