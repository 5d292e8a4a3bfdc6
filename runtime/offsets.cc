// The source of the assembly's offsets. It is compiled to assembly only; offsets.cmake reads that
// and writes offsets.h from the strings that begin with "->". The stubs include offsets.h; nothing
// is typed by hand.
#include "runtime/runtime.h"

#define OFFSET(name, type, member) \
  asm volatile("\n.ascii \"->" #name " %c0\"" : : "i"(offsetof(runtime::type, member)))

void offsets();
void offsets() {
  OFFSET(g_m, G, m);
  OFFSET(g_sched, G, sched);
  OFFSET(g_sched_sp, G, sched.sp);
  OFFSET(g_sched_pc, G, sched.pc);
  OFFSET(g_sched_g, G, sched.g);
  OFFSET(g_sched_lr, G, sched.lr);
  OFFSET(gobuf_sp, Gobuf, sp);
  OFFSET(gobuf_pc, Gobuf, pc);
  OFFSET(gobuf_g, Gobuf, g);
  OFFSET(gobuf_ret, Gobuf, ret);
  OFFSET(gobuf_ctxt, Gobuf, ctxt);
  OFFSET(gobuf_lr, Gobuf, lr);
  OFFSET(m_g0, M, g0);
  OFFSET(m_gsignal, M, gsignal);
  OFFSET(m_curg, M, curg);
  OFFSET(m_hostsp, M, hostsp);
  OFFSET(closure_body, Closure, body);
}
