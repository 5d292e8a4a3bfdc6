// Kind: a switch that succeeds sets errno.
// Where: no signal is needed. The last instruction comes back with another errno.
// Predicted: each trial is ok, because errno is compared with a run without a signal, and nobody promises to keep it.
// `adapter check` says so: its row keeps_errno names the sites.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	SAVE
	mov	SHARED_AT(FROM), SPARE
	mov	ERRNO_AT(SPARE), SPARE
#if !defined(PLANTED_MENDED)
	movl	$4, (SPARE)			// EINTR
#endif
	STORE_SP
	LOAD_SP
	RESTORE
	mov	VALUE, RESULT
MARK planted_begin
MARK planted_end
	ret
	END_SWITCH
