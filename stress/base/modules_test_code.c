/* Code as libraries have it, one place for each rule by which it is named. Built several times: with
 * all symbols, stripped, without call frame information, for the other class. */

int getpid(void);

#define KEPT __attribute__((noinline, used))

/* A label without a size, up to the next; labels in a function with a size; code in an array. */
#ifndef SECOND
__asm__(
    ".text\n.p2align 4\n"
    "unsized: nop\n nop\n"
    "unsized_next: nop\n ret\n"
    ".type sized, %function\n"
    "sized: nop\n"
    "inner: nop\n ret\n"
    ".size sized, .-sized\n"
    ".type array, %object\n"
    "array: .byte 0x90, 0xc3\n"
    ".size array, .-array\n"
    ".p2align 4\n"
    ".globl alias\n.weak alias_weak\n"
    ".type alias_weak, %function\n.type alias, %function\n.type alias_local, %function\n"
    "alias_weak:\nalias:\nalias_local: nop\n ret\n"
    ".size alias_weak, .-alias\n.size alias, .-alias\n.size alias_local, .-alias\n"
    ".p2align 4\n");
extern const char unsized[], unsized_next[], sized[], inner[], array[];
extern const char alias[] __attribute__((visibility("hidden")));
#endif

/* Two files have one of this name. */
static KEPT int twice(int x) {
  return x * 5;
}

#ifdef SECOND
int second(int x) {
  return twice(x) + 1;
}
const void* const second_place = (const void*)&twice;
#else
static KEPT int hidden(int x) {
  return x * 3;
}
int exported(int x) {
  return hidden(x) + twice(x);
}
int calls(void) {
  return getpid() + 1;
}

const void* const places[] = {
    (const void*)&exported, (const void*)&hidden, unsized, unsized_next, sized, inner, array,
    (const void*)&calls,    (const void*)&twice};
#endif
