// Kind: a push without its adjustment of the canonical frame address.
// In public: backtraces from a signal in such a place crash (gperftools 1163, golang/go 24925).
// Where: from behind the push to the pop.
// Predicted: a backtrace takes a saved register for the return address: it finds a wrong caller, or crashes:
// UNWINDS_TO_ENTRY is promised. A handler that takes none does no harm.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
#if defined(PLANTED_MENDED)
	PUSH_REG VALUE
MARK planted_begin
MARK planted_end
	POP_REG VALUE
#else
	push	VALUE
MARK planted_begin
	pop	VALUE
MARK planted_end
#endif
	STORE_SP
	LOAD_SP
	RESTORE
	RETURN_VALUE
	END_SWITCH
