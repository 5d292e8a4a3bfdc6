// Shared by the subject's C++ and its assembly: the frame of one round trip between two contexts.
#pragma once

#include <cstdint>

#include "stress/subject/subject.h"

namespace sigsweep::fcontext {

inline constexpr unsigned kPreserved = 8;  // rbx, rbp, r12 to r15, MXCSR, x87 control word

// One run of a site: a caller, and the other context that it jumps to.
struct JumpFrame {
  Call* call;
  void* other;               // where the other context waits; null while it does not exist
  std::uint64_t caller_sp;   // the caller's SP in front of its jump
  std::uint64_t stack_hi;    // the other context's stack: one past its highest byte
  std::uint64_t stack_size;  // bytes
  // The values that the other context holds, while it waits, in the registers that a switch must
  // keep, and the values that it finds there each time it wakes.
  std::uint64_t preserved[kPreserved];
  std::uint64_t woken[kPreserved];
  std::uint64_t woken_last[kPreserved];
};

extern "C" {

// The operations. Each is a caller's code: call(frame).
void round_trip_call(void* frame);
void first_entry_call(void* frame);
void last_exit_call(void* frame);

// The code of the other context; the word at the top of its stack is its frame.
void round_trip_other();
void first_entry_other();
void last_exit_other();

// One jump to frame->other, which then says where it waits. Not part of an operation.
void wake_other(void* frame);

// Calls fn(arg) on the stack that ends at `top`, or on this one if that is 0. Restores every
// register that a call must keep: so a switch that loses one hurts only the code that checks.
void kept_call(void (*fn)(void*), void* arg, std::uint64_t top);
}

}  // namespace sigsweep::fcontext
