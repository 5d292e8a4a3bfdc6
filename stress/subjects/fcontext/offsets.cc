// Offsets for sites_amd64.S, generated in the same way as runtime/offsets.cc's.
#include <cstddef>

#include "stress/subjects/fcontext/fcontext.h"

#define OFFSET(name, type, member) \
  asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(offsetof(type, member)))

void offsets();
void offsets() {
  using sigsweep::Call;
  using sigsweep::fcontext::JumpFrame;
  OFFSET(frame_call, JumpFrame, call);
  OFFSET(frame_other, JumpFrame, other);
  OFFSET(frame_caller_sp, JumpFrame, caller_sp);
  OFFSET(frame_stack_hi, JumpFrame, stack_hi);
  OFFSET(frame_stack_size, JumpFrame, stack_size);
  OFFSET(frame_preserved, JumpFrame, preserved);
  OFFSET(frame_woken, JumpFrame, woken);
  OFFSET(frame_woken_last, JumpFrame, woken_last);
  OFFSET(call_in, Call, in);
  OFFSET(call_seen, Call, seen);
  OFFSET(call_made, Call, made);
  OFFSET(call_got, Call, got);
  OFFSET(call_fn_sp, Call, fn_sp);
  OFFSET(call_fn_owner, Call, fn_owner);
  OFFSET(call_fn_runs, Call, fn_runs);
  OFFSET(call_returns, Call, returns);
}
