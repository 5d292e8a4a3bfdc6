// The rules behind each verdict, one function a rule. verdict_list.h says which rule each verdict
// has, and their order.
#include "stress/oracle/oracle.h"

#include <bit>

namespace sigsweep {
namespace {

// Everything that a rule may look at.
struct Case {
  const Subject& subject;
  const Protocol& protocol;
  const Site& site;
  std::span<const Site* const> handlers;  // by injection; null: it calls nothing
  const Observation& seen;

  bool a_handler_called() const {
    for (std::size_t i = 0; i < handlers.size(); i++) {
      if (handlers[i] != nullptr && seen.has_entered(i)) return true;
    }
    return false;
  }
};

bool is_rejection(const Case& c) {
  return c.seen.end == End::thrown && !c.subject.reject_message().empty() &&
         c.subject.reject_message() == c.seen.message;
}

// The throw by which this site's own operation ends.
bool is_own_throw(const Case& c) {
  return c.seen.end == End::thrown && !c.site.end_message.empty() &&
         c.site.end_message == c.seen.message && !c.seen.thrown_in_handler;
}

bool crashed(const Case& c, Judgement* j) {
  if (c.seen.end == End::faulted) {
    j->detail = c.seen.misplaced != nullptr ? c.seen.misplaced : "a fault";
    if (c.seen.unwinding) j->detail = "the unwinder crashed, in a backtrace from the handler";
    return true;
  }
  if (c.seen.end == End::thrown && !is_rejection(c) && !is_own_throw(c)) {
    j->detail = c.seen.message;
    return true;
  }
  return false;
}

bool hung(const Case& c, Judgement* j) {
  j->detail = "no end within the time limit";
  return c.seen.end == End::timed_out;
}

bool missed(const Case& c, Judgement* j) {
  j->detail = "the handler's call was not rejected";
  return c.protocol.must_reject && c.a_handler_called() && !is_rejection(c);
}

bool falsely_rejected(const Case& c, Judgement* j) {
  j->detail = "a call that is legal was rejected";
  return is_rejection(c) && !(c.seen.thrown_in_handler && c.protocol.must_reject);
}

bool badly_rejected(const Case& c, Judgement* j) {
  j->detail = "state differs between the call and the throw";
  return is_rejection(c) && c.seen.changed_before_throw;
}

bool well_rejected(const Case& c, Judgement*) {
  return is_rejection(c);
}

bool switched_wrongly(const Case& c, Judgement* j) {
  j->detail = c.seen.misplaced;
  if (j->detail != nullptr) return true;
  const bool comes_back = c.site.end_message.empty() && !c.site.leaves;
  if (c.seen.entered != c.seen.exited) {
    j->detail = "a handler never finished";
  } else if (c.seen.op.fn_runs != 1) {
    j->detail = c.seen.op.fn_runs == 0 ? "fn never ran" : "fn ran more than once";
  } else if (c.seen.op.returns != (comes_back ? 1U : 0U)) {
    j->detail = "the operation did not return exactly once";
  } else if (!c.site.end_message.empty() && !is_own_throw(c)) {
    j->detail = "the operation did not end by its throw";
  } else {
    j->detail = c.subject.check_call(static_cast<unsigned>(&c.site - c.subject.sites().data()),
                                     c.seen.op, false);
  }
  return j->detail != nullptr;
}

bool smashed(const Case& c, Judgement* j) {
  j->detail = "stack memory in use changed while the handler ran";
  return c.seen.smashed;
}

bool leaked(const Case& c, Judgement* j) {
  j->detail = c.seen.leaked;
  return c.seen.leaked != nullptr;
}

// The first of the handlers whose own call went wrong.
bool handler_hurt(const Case& c, Judgement* j) {
  for (std::size_t i = 0; i < c.handlers.size(); i++) {
    const Site* handler = c.handlers[i];
    if (handler == nullptr || !c.seen.has_entered(i)) continue;
    const Call& call = c.seen.handler[i];
    j->slots = clobbered_arguments(*handler, call) | clobbered_results(*handler, call);
    j->detail = "the handler's fn did not run and return exactly once";
    if (call.fn_runs != 1 || call.returns != 1) return true;
    j->detail = "the handler's values changed on the way";
    if (j->slots != 0) return true;
    j->detail =
        c.subject.check_call(static_cast<unsigned>(handler - c.subject.sites().data()), call, true);
    if (j->detail != nullptr) return true;
  }
  return false;
}

bool argument_hurt(const Case& c, Judgement* j) {
  j->detail = "fn read another value than was given";
  j->slots = clobbered_arguments(c.site, c.seen.op);
  return j->slots != 0;
}

bool result_hurt(const Case& c, Judgement* j) {
  j->detail = "the caller read another value than fn answered";
  j->slots = clobbered_results(c.site, c.seen.op);
  return j->slots != 0;
}

bool slot_left(const Case& c, Judgement* j) {
  j->detail = "not zero after the operation";
  j->slots = c.seen.slots_left & c.site.zeroed;
  if (j->slots != 0) return true;
  j->detail = "changed by a handler that must keep the slots";
  j->slots = c.seen.slots_changed;
  return j->slots != 0;
}

bool signal_lost(const Case& c, Judgement* j) {
  j->detail = "sent, and its handler never began";
  return c.seen.hits > static_cast<std::uint32_t>(std::popcount(c.seen.entered));
}

bool unwound_endlessly(const Case& c, Judgement* j) {
  j->detail = c.seen.backtrace.detail;
  return c.seen.backtrace.taken && c.seen.backtrace.grade == UnwindGrade::endless;
}

bool unwound_badly(const Case& c, Judgement* j) {
  j->detail = c.seen.backtrace.detail;
  return c.seen.backtrace.fails();
}

// Nothing went wrong: no rule before this one applied.
bool in_order(const Case& c, Judgement* j) {
  j->judged = !c.seen.backtrace.taken || c.seen.backtrace.judged;
  if (!j->judged) j->detail = "but its backtrace is not judged: SP was in a stack of the library's";
  return true;
}

using Rule = bool (*)(const Case&, Judgement*);
constexpr Rule kRules[] = {
#define V(id, name, rule, meaning) rule,
    SIGSWEEP_VERDICTS(V)
#undef V
};
static_assert(kRules[kVerdicts - 1] == in_order, "only the last rule always applies");

}  // namespace

SlotMask clobbered_arguments(const Site& site, const Call& call) {
  SlotMask hurt = 0;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    const SlotMask bit = SlotMask{1} << i;
    if ((site.in & bit) != 0 && call.seen[i] != call.in[i]) hurt |= bit;
  }
  if (site.inner != nullptr) hurt |= clobbered_arguments(*site.inner, *call.inner);
  return hurt;
}

SlotMask clobbered_results(const Site& site, const Call& call) {
  SlotMask hurt = 0;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    const SlotMask bit = SlotMask{1} << i;
    if ((site.out & bit) != 0 && call.got[i] != call.made[i]) hurt |= bit;
  }
  if (site.inner != nullptr) hurt |= clobbered_results(*site.inner, *call.inner);
  return hurt;
}

Judgement judge(const Subject& subject, const Protocol& protocol, const Site& site,
                std::span<const Site* const> handlers, const Observation& seen) {
  const Case c{subject, protocol, site, handlers, seen};
  for (unsigned i = 0;; i++) {
    Judgement j;
    if (!kRules[i](c, &j)) continue;
    j.verdict = static_cast<Verdict>(i);
    return j;
  }
}

}  // namespace sigsweep
