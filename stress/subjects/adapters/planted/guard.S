// Kind: a switch that is not reentrant has a guard, by which a handler that interrupts it is refused; and the guard is at
// fault. Where, and predicted, if the handler switches:
//
//   guard_late        the guard is up only when the shared word has been written already: from behind the store until the
//                     guard is up. state-leak: the handler's switch is not refused and overwrites the word.
//   guard_changes     the shared word is written before the guard is looked at: from behind the store to the instruction
//                     that reads it again. bad-reject or state-leak: the handler is refused, and has overwritten the
//                     word. Its first instruction is guard_late's fault, too.
//   guard_unpromised  the guard is sound, and HANDLER_SWITCHES is promised, not HANDLER_REFUSED: while the guard is up.
//                     handler-clobbered: the handler's resume() comes back, and its coroutine has not run. Its twin has
//                     no guard and needs none.
//
// Twins of the former two: the guard that is sound. A handler is refused while it is up, with nothing changed: ok,
// because HANDLER_REFUSED is promised.
// A handler that does not switch does no harm.
#include "stress/subjects/adapters/planted/planted.inc"
#if defined(__x86_64__)
#define CMP_GUARD cmpq $0, GUARD_AT(SPARE)
#define RAISE_GUARD movq $1, GUARD_AT(SPARE)
#define LOWER_GUARD movq $0, GUARD_AT(TO)
#else
#define CMP_GUARD cmpl $0, GUARD_AT(SPARE)
#define RAISE_GUARD movl $1, GUARD_AT(SPARE)
#define LOWER_GUARD movl $0, GUARD_AT(TO)
#endif

	BEGIN_SWITCH
#if defined(PLANTED_MENDED) && defined(GUARD_UNPROMISED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	SAVE
	mov	SHARED_AT(FROM), SPARE
#if defined(GUARD_CHANGES) && !defined(PLANTED_MENDED)
	mov	KEPT, SCRATCH_AT(SPARE)
MARK planted_begin
#endif
	CMP_GUARD
	jne	.Lrefused
	.cfi_remember_state
#if defined(GUARD_LATE) && !defined(PLANTED_MENDED)
	mov	KEPT, SCRATCH_AT(SPARE)
MARK planted_begin
	RAISE_GUARD
MARK planted_end
#else
	RAISE_GUARD
#if defined(PLANTED_MENDED) || defined(GUARD_UNPROMISED)
MARK planted_begin
	mov	KEPT, SCRATCH_AT(SPARE)
#endif
#endif
	STORE_SP
	mov	SCRATCH_AT(SPARE), KEPT
#if defined(GUARD_CHANGES) && !defined(PLANTED_MENDED)
MARK planted_end
#endif
	mov	KEPT, KEPT_AT(SP)
	LOAD_SP
	mov	SHARED_AT(TO), TO		// the same in both
	RESTORE
	LOWER_GUARD
#if defined(PLANTED_MENDED) || defined(GUARD_UNPROMISED)
MARK planted_end
#endif
	RETURN_VALUE
.Lrefused:
	.cfi_restore_state
	RESTORE
	mov	$-1, RESULT			// SIGSWEEP_REFUSED
	ret
#endif
	END_SWITCH
