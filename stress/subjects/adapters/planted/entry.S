// Where a coroutine begins. planted.c has filled its first frame so that the first switch returns to planted_entry. A
// backtrace ends here: no return address, and no frame pointer. A file with another fault in it has its own.
#include "stress/subjects/adapters/planted/planted.inc"

	.weak	planted_entry
	.hidden	planted_entry
	.type	planted_entry, @function
	.text
	.cfi_startproc
	.cfi_undefined PC
	nop			// an unwinder looks up the instruction in front of a return address
planted_entry:
	PASS_CO
	call	RUN
	ud2
	.cfi_endproc
	.size	planted_entry, . - planted_entry

	.section .note.GNU-stack, "", @progbits
