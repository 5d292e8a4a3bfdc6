// Kind: what the library believes to be running, current(), changes long before SP does.
// In public: golang/go 12277 and ruby 9310: a profiler's handler asked, and was told of a thread that did not run yet.
// Where: from behind the store of current() to the load of SP.
// Predicted: current() and SP differ at these boundaries. No handler of the harness is harmed, so each trial is ok. The
// twin has them differ at one boundary, between two instructions that stand side by side: no switch can do better.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
	SAVE
	STORE_SP
	movq	TO, planted_current(%rip)
MARK planted_begin
	LOAD_SP
MARK planted_end
#else
	movq	TO, planted_current(%rip)
MARK planted_begin
	SAVE
	STORE_SP
	LOAD_SP
MARK planted_end
#endif
	RESTORE
	RETURN_VALUE
	END_SWITCH

	.globl	planted_current			// of all threads: no test of it has two
	.hidden	planted_current
	.type	planted_current, @object
	.size	planted_current, 8
	.comm	planted_current, 8, 8
