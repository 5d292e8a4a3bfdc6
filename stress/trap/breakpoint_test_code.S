// Code for breakpoint_test.cc, of amd64. MODULE: the part that goes into the shared object; else the part that goes
// into the program.
//
// FUNCTION(name): returns 1000 + its argument by three instructions, which start at name, name_2 and name_3. The code
// ends at name_end.
#define FUNCTION(name) \
	.globl name, name##_2, name##_3, name##_end; \
	.type name, @function; \
name: \
	leal 1(%rdi), %eax; \
name##_2: \
	addl $999, %eax; \
name##_3: \
	ret; \
name##_end: \
	.size name, . - name

	.text
#ifdef MODULE
	.balign 4096
FUNCTION(module_near)
FUNCTION(module_neighbour)  // on the same page
	.skip 2 * 4096
FUNCTION(module_far)
#else
FUNCTION(program_own)
#endif
	.section .note.GNU-stack, "", @progbits
