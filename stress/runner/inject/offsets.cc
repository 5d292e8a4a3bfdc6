// Offsets for arch_*.S, generated as runtime/offsets.cc's are.
#include <cstddef>

#include "stress/runner/inject/arch.h"

#define OFFSET(name, type, member) \
  asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(offsetof(sigsweep::inject::type, member)))

void offsets();
void offsets() {
  OFFSET(probe_over, Probe, over);
  OFFSET(probe_kept_before, Probe, kept_before);
  OFFSET(probe_kept_after, Probe, kept_after);
  OFFSET(probe_sp_before, Probe, sp_before);
  OFFSET(probe_sp_after, Probe, sp_after);
  OFFSET(probe_fp_before, Probe, fp_before);
  OFFSET(probe_fp_after, Probe, fp_after);
  OFFSET(probe_flags_after, Probe, flags_after);
  OFFSET(probe_control_before, Probe, control_before);
  OFFSET(probe_control_after, Probe, control_after);
  OFFSET(containment_sp, Containment, sp);
  OFFSET(containment_stack, Containment, stack);
}
