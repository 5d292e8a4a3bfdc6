// The harness's own assembly on 386: containment and the register probe. Contracts: arch.h.
//
//   both frames:   arguments | return address | ebp | ebx | esi | edi | x87 cw, MXCSR  <- SP; FRAME bytes
//   from the return address on. Of the harness's 64-bit words only the low half is used; the high one is 0.

#include "stress/trap/arch/offsets.h"

#define FRAME 28

.macro SAVE_ALL
	pushl	%ebp
	.cfi_def_cfa_offset 8
	.cfi_offset ebp, -8
	movl	%esp, %ebp
	pushl	%ebx
	.cfi_def_cfa_offset 12
	.cfi_offset ebx, -12
	pushl	%esi
	.cfi_def_cfa_offset 16
	.cfi_offset esi, -16
	pushl	%edi
	.cfi_def_cfa_offset 20
	.cfi_offset edi, -20
	subl	$8, %esp
	.cfi_def_cfa_offset FRAME
	stmxcsr	(%esp)
	fnstcw	4(%esp)
.endm

.macro RESTORE_ALL
	ldmxcsr	(%esp)
	fldcw	4(%esp)
	addl	$8, %esp
	.cfi_def_cfa_offset 20
	popl	%edi
	.cfi_def_cfa_offset 16
	.cfi_restore edi
	popl	%esi
	.cfi_def_cfa_offset 12
	.cfi_restore esi
	popl	%ebx
	.cfi_def_cfa_offset 8
	.cfi_restore ebx
	popl	%ebp
	.cfi_def_cfa esp, 4
	.cfi_restore ebp
	retl
.endm

.macro TEXT name
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
	.cfi_startproc
.endm

.macro END name
	.cfi_endproc
	.size	\name, . - \name
.endm

	.text

TEXT contain_call
	SAVE_ALL
	movl	FRAME(%esp), %edx			// DX = frame
	movl	FRAME + 4(%esp), %ecx			// CX = fn
	movl	FRAME + 8(%esp), %ebx			// BX = arg
	movl	%esp, %eax
	movl	%eax, containment_sp(%edx)
	movl	containment_stack(%edx), %esp
	.cfi_remember_state
	.cfi_escape 0x0f, 2, 0x70, FRAME		// CFA = AX + FRAME, where SAVE_ALL left SP
	pushl	%eax
	.cfi_escape 0x0f, 5, 0x74, 0, 0x06, 0x23, FRAME	// CFA = the pushed value + FRAME
	subl	$8, %esp				// keep the ABI's alignment
	.cfi_escape 0x0f, 5, 0x74, 8, 0x06, 0x23, FRAME
	pushl	%ebx
	.cfi_escape 0x0f, 5, 0x74, 12, 0x06, 0x23, FRAME
	calll	*%ecx
	movl	12(%esp), %esp
	.cfi_restore_state
	xorl	%eax, %eax
	xorl	%edx, %edx
	RESTORE_ALL
END contain_call

// Continues in contain_call's frame, with its second argument, of 64 bits, as the result.
TEXT contain_leave
	cld
	movl	8(%esp), %eax
	movl	12(%esp), %edx
	movl	4(%esp), %ecx
	movl	containment_sp(%ecx), %esp
	.cfi_def_cfa esp, FRAME
	.cfi_offset ebp, -8
	.cfi_offset ebx, -12
	.cfi_offset esi, -16
	.cfi_offset edi, -20
	RESTORE_ALL
END contain_leave

TEXT probe_call
	SAVE_ALL
	movl	FRAME(%esp), %eax			// AX = probe
	movl	FRAME + 4(%esp), %ecx			// CX = fn
	movl	FRAME + 8(%esp), %edx			// DX = arg
	movl	%eax, current_probe
	pushl	%edx					// fn's argument; with it the ABI's alignment is right
	.cfi_adjust_cfa_offset 4
	movl	%esp, probe_sp_before(%eax)
	movl	%ebp, probe_fp_before(%eax)
	ldmxcsr	probe_control_before(%eax)
	fldcw	probe_control_before + 4(%eax)
	movl	probe_kept_before(%eax), %ebx
	movl	probe_kept_before + 8(%eax), %esi
	movl	probe_kept_before + 16(%eax), %edi
	calll	*%ecx
	.globl	probe_returns
probe_returns:
	movl	current_probe, %eax
	movl	%esp, probe_sp_after(%eax)		// before SP is used: it may be wrong
	movl	%ebp, probe_fp_after(%eax)
	movl	probe_sp_before(%eax), %esp
	movl	%ebx, probe_kept_after(%eax)
	movl	%esi, probe_kept_after + 8(%eax)
	movl	%edi, probe_kept_after + 16(%eax)
	stmxcsr	probe_control_after(%eax)
	fnstcw	probe_control_after + 4(%eax)
	pushfl
	popl	probe_flags_after(%eax)
	cld
	calll	*probe_over(%eax)
	addl	$4, %esp
	.cfi_adjust_cfa_offset -4
	RESTORE_ALL
END probe_call

// Finds the probe again by SP.
//
//   the frame of SAVE_ALL | for the ABI's alignment | probe | c | b | a  <- SP while fn runs
TEXT nested_probe_call
	SAVE_ALL
	movl	FRAME(%esp), %eax			// AX = probe
	movl	FRAME + 4(%esp), %ecx			// CX = fn
	pushl	%eax
	.cfi_adjust_cfa_offset 4
	pushl	%eax
	.cfi_adjust_cfa_offset 4
	pushl	FRAME + 24(%esp)			// c
	.cfi_adjust_cfa_offset 4
	pushl	FRAME + 24(%esp)			// b
	.cfi_adjust_cfa_offset 4
	pushl	FRAME + 24(%esp)			// a
	.cfi_adjust_cfa_offset 4
	movl	%esp, probe_sp_before(%eax)
	movl	%ebp, probe_fp_before(%eax)
	ldmxcsr	probe_control_before(%eax)
	fldcw	probe_control_before + 4(%eax)
	movl	probe_kept_before(%eax), %ebx
	movl	probe_kept_before + 8(%eax), %esi
	movl	probe_kept_before + 16(%eax), %edi
	calll	*%ecx
	.globl	nested_probe_return
	.hidden	nested_probe_return
nested_probe_return:
	movl	12(%esp), %ecx				// CX = probe; AX = the result
	movl	%esp, probe_sp_after(%ecx)		// before SP is used: it may be wrong
	movl	%ebp, probe_fp_after(%ecx)
	movl	probe_sp_before(%ecx), %esp
	movl	probe_fp_before(%ecx), %ebp
	movl	%ebx, probe_kept_after(%ecx)
	movl	%esi, probe_kept_after + 8(%ecx)
	movl	%edi, probe_kept_after + 16(%ecx)
	stmxcsr	probe_control_after(%ecx)
	fnstcw	probe_control_after + 4(%ecx)
	pushfl
	.cfi_adjust_cfa_offset 4
	popl	probe_flags_after(%ecx)
	.cfi_adjust_cfa_offset -4
	cld
	addl	$20, %esp
	.cfi_adjust_cfa_offset -20
	RESTORE_ALL
END nested_probe_call

// The last values are loaded from below the interrupted SP, because IRET loads no SP in this mode. The caller's frame
// has no description: it does not exist any more.
TEXT resume_context
	movl	4(%esp), %ebx				// BX = the context
	.cfi_undefined eip
	movl	context_fpregs(%ebx), %ecx
	movl	state_xfeatures(%ecx), %eax		// only the components that the frame holds: XRSTOR looks
	movl	state_xfeatures + 4(%ecx), %edx		// for each requested one behind the last one
	addl	$state_fxsave, %ecx			// past FSAVE's form
	xrstor	(%ecx)
	movl	context_esp(%ebx), %edx
	subl	$12, %edx
	movl	context_eip(%ebx), %eax
	movl	%eax, 8(%edx)
	movl	context_flags(%ebx), %eax
	movl	%eax, 4(%edx)
	movl	context_edx(%ebx), %eax
	movl	%eax, (%edx)
	movl	context_eax(%ebx), %eax
	movl	context_ecx(%ebx), %ecx
	movl	context_esi(%ebx), %esi
	movl	context_edi(%ebx), %edi
	movl	context_ebp(%ebx), %ebp
	movl	context_ebx(%ebx), %ebx
	movl	%edx, %esp
	popl	%edx
	popfl
	retl
END resume_context

TEXT entry_call
	SAVE_ALL
	movl	FRAME(%esp), %eax			// AX = entry
	movl	FRAME + 4(%esp), %ecx			// CX = sig
	movl	FRAME + 8(%esp), %edx			// DX = info
	movl	FRAME + 12(%esp), %ebx			// BX = context
	movl	FRAME + 16(%esp), %esi			// SI = found
	subl	$20, %esp				// keep the ABI's alignment
	.cfi_adjust_cfa_offset 20
	movl	%ecx, (%esp)
	movl	%edx, 4(%esp)
	movl	%ebx, 8(%esp)
	movl	%esi, 12(%esp)				// behind the arguments, which the entry may change
	movl	$entry_probe, %ebx
	movl	$entry_probe + 1, %esi
	movl	$entry_probe + 2, %edi
	calll	*%eax
	movl	12(%esp), %ecx				// CX = found
	addl	$20, %esp
	.cfi_adjust_cfa_offset -20
	movl	%ebx, found_kept(%ecx)
	movl	%esi, found_kept + 4(%ecx)
	movl	%edi, found_kept + 8(%ecx)
	leal	20(%esp), %eax				// where SAVE_ALL made it point
	subl	%ebp, %eax
	movl	%eax, found_fp_moved(%ecx)
	stmxcsr	found_control(%ecx)
	fnstcw	found_control + 4(%ecx)
	pushfl
	.cfi_adjust_cfa_offset 4
	popl	found_flags(%ecx)
	.cfi_adjust_cfa_offset -4
	cld
	RESTORE_ALL
END entry_call

TEXT trap_entry
	leal	-trap_frames(%esp), %edi
	movl	$trap_frames, %ecx
	movl	$stack_paint & 0xff, %eax
	rep stosb
	movl	%eax, %ebx
	movl	%eax, %esi
	movl	%eax, %edi
	jmp	trap_taken
END trap_entry

TEXT raise_trap_flag
	pushfl
	.cfi_adjust_cfa_offset 4
	orl	$0x100, (%esp)
	popfl
	.cfi_adjust_cfa_offset -4
	retl
END raise_trap_flag

	.local	current_probe
	.comm	current_probe, 4, 4

	.section .note.GNU-stack, "", @progbits
