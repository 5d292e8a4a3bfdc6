// The record of one operation: plain memory, because it is written on switched stacks and in
// handlers.
#include "stress/subjects/onm/events.h"

#include "runtime/runtime.h"

namespace sigsweep::onm {
namespace {

using runtime::G;

Events recorded;

unsigned number(const G* gp) {
  if (gp == nullptr) return kNobody;
  if (gp == gp->m->g0) return kG0;
  return gp == gp->m->gsignal ? kGsignal : number_of_goid(gp->goid);
}

}  // namespace

void record(What what, const Call* call) {
  const unsigned at = recorded.count++;
  if (at >= kMaxEvents) return;
  const G* gp = runtime::getg();
  const G* curg = gp->m->curg;
  const unsigned stack = subject().stack_of(as_address(__builtin_frame_address(0)));
  recorded.event[at] =
      Event{what, call, number(gp), stack, number(curg), curg != nullptr && curg->sched.sp != 0};
}

const Events& events() {
  return recorded;
}
void forget_events() {
  recorded.count = 0;
}

World world() {
  World w;
  const G* free = runtime::sched.gfree;
  for (unsigned& ended : w.ended) {
    if (free == nullptr) break;
    if (free->goid != 0) ended = number_of_goid(free->goid);
    free = free->schedlink;
  }
  for (const G* gp = runtime::sched.runqhead; gp != nullptr; gp = gp->schedlink) w.runnable++;
  for (const G* gp = runtime::sched.allg; gp != nullptr; gp = gp->alllink) {
    if (gp->m != nullptr && gp->m->curg == gp) w.curg = number(gp);
  }
  return w;
}

}  // namespace sigsweep::onm
