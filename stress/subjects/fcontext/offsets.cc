// Offsets for sites_amd64.S, generated as runtime/offsets.cc's are.
#include <cstddef>

#include "stress/subjects/fcontext/fcontext.h"

#define OFFSET(name, type, member) \
  asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(offsetof(type, member)))

void offsets();
void offsets() {
  using sigsweep::Call;
  using sigsweep::fcontext::Frame;
  OFFSET(frame_call, Frame, call);
  OFFSET(frame_other, Frame, other);
  OFFSET(frame_caller_sp, Frame, caller_sp);
  OFFSET(frame_stack_hi, Frame, stack_hi);
  OFFSET(frame_stack_size, Frame, stack_size);
  OFFSET(frame_preserved, Frame, preserved);
  OFFSET(frame_woken, Frame, woken);
  OFFSET(frame_woken_last, Frame, woken_last);
  OFFSET(call_in, Call, in);
  OFFSET(call_seen, Call, seen);
  OFFSET(call_made, Call, made);
  OFFSET(call_got, Call, got);
  OFFSET(call_fn_sp, Call, fn_sp);
  OFFSET(call_fn_owner, Call, fn_owner);
  OFFSET(call_fn_runs, Call, fn_runs);
  OFFSET(call_returns, Call, returns);
}
