// Kind: SP is moved into a struct in the heap, to push the registers there and to pop them.
// In public: Tencent/libco, its first version; users met it by `signal SIGPROF` in a debugger (Tencent/libco 90).
// Where: from the load of SP with the struct's address to its load with the other context's SP.
// Predicted: wrong-switch, because SP lies in no stack. On an alternate stack nothing else happens. Without one the
// kernel writes the handler's frame over the heap: a crash, or whatever the heap held is lost.
#include "stress/subjects/adapters/planted/planted.inc"

	BEGIN_SWITCH
#if defined(PLANTED_MENDED)
MARK planted_begin
MARK planted_end
	SOUND_SWITCH
#else
	lea	-FRAME(SP), SP			// SP waits as in the other switches; the space is not used
	STORE_SP
	lea	WORD+FRAME(FROM), SP
MARK planted_begin
	push	FRAME_POINTER
	push	KEPT
	FOR_REGISTERS_UP(push)
	lea	-8(SP), SP
	stmxcsr	(SP)
	fnstcw	4(SP)
	lea	WORD(TO), SP
	ldmxcsr	(SP)
	fldcw	4(SP)
	lea	8(SP), SP
	FOR_REGISTERS(pop)
	pop	KEPT
	pop	FRAME_POINTER
	mov	-WORD-FRAME(SP), SP
MARK planted_end
	lea	FRAME(SP), SP
	RETURN_VALUE
#endif
	END_SWITCH
