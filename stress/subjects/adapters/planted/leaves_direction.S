// Kind: the direction flag is set and not cleared.
// In public: golang/go 17641 and 18328 are of the kind.
// Where: no signal is needed. The last instruction comes back with it.
// Predicted: state-leak, everywhere.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	STORE_SP
	LOAD_SP
	RESTORE
	std
#if defined(PLANTED_MENDED)
	cld
#endif
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
