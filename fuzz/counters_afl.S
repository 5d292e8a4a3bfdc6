// AFL++ gives every word in this section a place in its map when the process starts, as for the edges of instrumented
// code. So no counter shares a place with an edge. This is assembly, because AFL++'s compiler puts words of its own
// there for all other code that it compiles.
#include "fuzz/counters.h"

	.section __sancov_guards, "aw", @progbits
	.globl	sigsweep_counter_places
	.p2align 2
sigsweep_counter_places:
	.fill	SIGSWEEP_COUNTERS, 4, 0

// The place of the map, and that section. AFL++'s compiler declares the same symbols itself in all code that it
// compiles, and C++ can't.
	.section .data.rel.ro, "aw", @progbits
	.globl	sigsweep_afl_map, sigsweep_all_places, sigsweep_all_places_end
	.p2align 3
sigsweep_afl_map:
	.quad	__afl_area_ptr
sigsweep_all_places:
	.quad	__start___sancov_guards
sigsweep_all_places_end:
	.quad	__stop___sancov_guards

	.section .note.GNU-stack, "", @progbits
