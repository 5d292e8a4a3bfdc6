// Kind: what the library believes to be running, current(), changes long before SP does.
// In public: golang/go 12277 and ruby 9310: a profiler's handler asked, and was told of a thread that did not run yet.
// Where: from behind the store of current() to the load of SP.
// Predicted: current() and SP differ at these boundaries. No handler of the harness is harmed, so each trial is ok. The
// twin has them differ at one boundary, between two instructions that stand side by side: no switch can do better.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
	PUSH_REG FRAME_POINTER
	PUSH_REG KEPT
	FOR_REGISTERS_UP(PUSH_REG)
#if !defined(PLANTED_MENDED)
	mov	SHARED_AT(FROM), SPARE
	mov	TO, CURRENT_AT(SPARE)
MARK planted_begin
	SAVE_FPENV
	STORE_SP
#else
	SAVE_FPENV
	mov	SHARED_AT(FROM), SPARE
	STORE_SP
	mov	TO, CURRENT_AT(SPARE)
MARK planted_begin
#endif
	LOAD_SP
MARK planted_end
	RESTORE
	RETURN_VALUE
	END_SWITCH
