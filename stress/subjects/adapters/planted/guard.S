// Kind: a switch that is not reentrant has a guard, by which a handler that interrupts it is refused; and the guard is at
// fault. Where, and predicted, if the handler switches:
//
//   guard_late        the guard is up only when the shared word has been written already: from behind the store until the
//                     guard is up. state-leak: the handler's switch is not refused and overwrites the word.
//   guard_changes     the shared word is written before the guard is looked at: from behind the store to the instruction
//                     that reads it again. bad-reject or state-leak: the handler is refused, and has overwritten the
//                     word. Its first instruction is guard_late's fault, too.
//   guard_unpromised  the guard is sound, and HANDLER_SWITCHES is promised, not HANDLER_REFUSED: while the guard is up.
//                     false-reject. Its twin has no guard and needs none.
//
// Twins of the former two: the guard that is sound. A handler is refused while it is up, with nothing changed: rejected.
// A handler that does not switch does no harm.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED) && defined(GUARD_UNPROMISED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
#if defined(GUARD_CHANGES) && !defined(PLANTED_MENDED)
	movq	KEPT, scratch(%rip)
MARK planted_begin
#endif
	cmpl	$0, guard(%rip)
	jne	.Lrefused
#if defined(GUARD_LATE) && !defined(PLANTED_MENDED)
	movq	KEPT, scratch(%rip)
MARK planted_begin
	movl	$1, guard(%rip)
MARK planted_end
#else
	movl	$1, guard(%rip)
#if defined(PLANTED_MENDED) || defined(GUARD_UNPROMISED)
MARK planted_begin
#endif
#if defined(PLANTED_MENDED) || !defined(GUARD_CHANGES)
	movq	KEPT, scratch(%rip)
#endif
#endif
	PUSH_REG FRAME_POINTER
	MAKE_ROOM WORD
	FOR_REGISTERS_UP(PUSH_REG)
	SAVE_FPENV
	movq	scratch(%rip), KEPT
#if defined(GUARD_CHANGES) && !defined(PLANTED_MENDED)
MARK planted_end
#endif
	movq	KEPT, KEPT_AT(SP)
	.cfi_rel_offset KEPT, KEPT_AT
	STORE_SP
	LOAD_SP
	RESTORE
	movl	$0, guard(%rip)
#if defined(PLANTED_MENDED) || defined(GUARD_UNPROMISED)
MARK planted_end
#endif
	RETURN_VALUE
.Lrefused:
	movq	$-1, RESULT			// SIGSWEEP_REFUSED
	ret
#endif
	END_SWITCH

	.local	scratch
	.comm	scratch, 8, 8
	.local	guard
	.comm	guard, 4, 4
