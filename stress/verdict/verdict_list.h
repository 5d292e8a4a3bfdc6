// The one list of verdicts, in the order in which they are tried. Names are used from outside.
//
// V(id, name, the rule that says when it applies (oracle.cc), meaning). Read by C++ and assembly.
#pragma once

#define SIGSWEEP_VERDICTS(V)                                                                    \
  V(crash, "crash", crashed, "a fault, or a throw that nothing called for")                     \
  V(hang, "hang", hung, "did not end")                                                          \
  V(missed_reject, "missed-reject", missed, "a call that must be rejected was carried out")     \
  V(false_reject, "false-reject", falsely_rejected, "a legal call was rejected")                \
  V(bad_reject, "bad-reject", badly_rejected, "rejected, but something had been changed first") \
  V(rejected, "rejected", well_rejected,                                                        \
    "rejected, with nothing changed between the call and the throw")                            \
  V(wrong_switch, "wrong-switch", switched_wrongly,                                             \
    "resumed on a wrong stack, returned early, or never finished")                              \
  V(stack_smash, "stack-smash", smashed, "live frames overwritten")                             \
  V(state_leak, "state-leak", leaked,                                                           \
    "registers, mask, the subject's state or the like differ afterwards")                       \
  V(handler_clobbered, "handler-clobbered", handler_hurt, "the handler's own call went wrong")  \
  V(arg_clobbered, "arg-clobbered", argument_hurt, "fn read another call's argument")           \
  V(result_clobbered, "result-clobbered", result_hurt, "the caller read another call's result") \
  V(slot_leak, "slot-leak", slot_left, "a slot that the site zeroes is not zero afterwards")    \
  V(lost_signal, "lost-signal", signal_lost, "a signal that was sent never arrived")            \
  V(endless_backtrace, "endless-backtrace", unwound_endlessly,                                  \
    "a backtrace from the handler does not end")                                                \
  V(broken_backtrace, "broken-backtrace", unwound_badly,                                        \
    "a backtrace from the handler ends too early, or names a wrong frame")                      \
  V(ok, "ok", in_order, "nothing went wrong")

#define SIGSWEEP_COUNT_VERDICT(...) +1
#define SIGSWEEP_VERDICT_COUNT (0 SIGSWEEP_VERDICTS(SIGSWEEP_COUNT_VERDICT))
