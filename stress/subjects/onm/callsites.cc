// The code of every call site: how its caller and its fn use the slots, in the order of the
// original.
//
// Each row of callsites.def becomes real functions of its own (NAME: fn; NAME_call: the caller; and
// the same with closures), so that a signal can land between any two of its instructions. fn echoes
// its arguments and answers with a mix of them; it does not branch on data. All of it is
// SWITCH_TEXT, and calls only functions that are inlined there.
#include "stress/subjects/onm/callsites.h"

#include "runtime/slots.h"
#include "runtime/stubs.h"
#include "stress/base/harmless.h"
#include "stress/subjects/onm/events.h"

namespace sigsweep::onm {

using runtime::Closure;
using runtime::FuncVal;
using runtime::G;
using runtime::getg;
using runtime::Word;

extern "C" {
#define SITE(name, ...)                         \
  void name(G* gp);                             \
  void name##_closure(Closure* closure, G* gp); \
  void name##_call(void* frame);                \
  void name##_call_closure(void* frame);
#define SWITCHING(name) void name##_call(void* frame);
#include "stress/subjects/onm/callsites.def"
}

constexpr Code kCode[] = {
#define SITE(name, ...) {name##_call, name##_call_closure, #name "_call", #name "_call_closure"},
#define SWITCHING(name) {name##_call, name##_call, #name "_call", #name "_call"},
#include "stress/subjects/onm/callsites.def"
};

namespace {

constexpr SlotMask S0 = 1, S1 = 2, S2 = 4, S3 = 8, P0 = 16, P1 = 32, P2 = 64, P3 = 128;

enum RowIndex : int {
#define SITE(name, ...) row_##name,
#define SWITCHING(name) row_##name,
#include "stress/subjects/onm/callsites.def"
};

// The frame of the call under way on this M. A handler's call puts its own here and restores the
// old one.
PER_M Frame* current;

ALWAYS_INLINE void set_current(Frame* frame) {
  __atomic_store_n(&current, frame, __ATOMIC_RELAXED);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// do_what(slot) for each slot of a mask, unrolled: fn and caller must not loop over data.
#define EACH_SLOT(mask, do_what)                 \
  do {                                           \
    if constexpr (((mask)&1) != 0) do_what(0);   \
    if constexpr (((mask)&2) != 0) do_what(1);   \
    if constexpr (((mask)&4) != 0) do_what(2);   \
    if constexpr (((mask)&8) != 0) do_what(3);   \
    if constexpr (((mask)&16) != 0) do_what(4);  \
    if constexpr (((mask)&32) != 0) do_what(5);  \
    if constexpr (((mask)&64) != 0) do_what(6);  \
    if constexpr (((mask)&128) != 0) do_what(7); \
  } while (false)

ALWAYS_INLINE void note_entry(Call* call) {
  call->fn_runs++;
  call->fn_owner = as_address(getg());
  call->fn_sp = as_address(__builtin_frame_address(0));
  RECORD(entered, call);
}

// A mix of all values that fn saw. The low byte of the result's own nonce survives: it tells levels
// apart, and the bits that make a word of 32 harmless (base/harmless.h).
ALWAYS_INLINE std::uint64_t answer(const Call* call, std::uint64_t sum, unsigned slot) {
  const std::uint64_t mix = sum << 8;
  if constexpr (sizeof(Word) == 4) return call->in[slot] ^ (mix & (kHoleSize - 1));
  return static_cast<Word>(call->in[slot] + mix);
}

#define ADD_SEEN(i) sum += call->seen[i]
#define ANSWER(i) call->made[i] = answer(call, sum, i)

template <const Row& R>
ALWAYS_INLINE void make_answers(Call* call) {
  [[maybe_unused]] std::uint64_t sum = 1;
  EACH_SLOT(R.in, ADD_SEEN);
  EACH_SLOT(R.out, ANSWER);
}

ALWAYS_INLINE void run_inner(Frame* frame, void (*caller)(void*)) {
  if (frame->inner != nullptr) caller(frame->inner);
}

// ---- arguments in slots

#define READ_ARGUMENT(i) call->seen[i] = runtime::loadslot(i)
#define ZERO_SLOT(i) runtime::storeslot(i, 0)
#define WRITE_RESULT(i) runtime::storeslot(i, static_cast<Word>(call->made[i]))

template <const Row& R>
ALWAYS_INLINE void fn_slots() {
  Frame* frame = current;
  Call* call = frame->call;
  note_entry(call);
  EACH_SLOT(R.in, READ_ARGUMENT);
  EACH_SLOT(R.zero_first, ZERO_SLOT);
  if constexpr (R.inner >= 0) run_inner(frame, kCode[R.inner].caller);
  make_answers<R>(call);
  EACH_SLOT(R.out, WRITE_RESULT);
  EACH_SLOT(R.zero_last, ZERO_SLOT);
}

#define WRITE_ARGUMENT(i) runtime::storeslot(i, static_cast<Word>(call->in[i]))
#define READ_RESULT(i) call->got[i] = runtime::loadslot(i)
#define ZERO_IF_TRUE(i) \
  if (call->got[i] != 0) runtime::storeslot(i, 0)

template <const Row& R>
ALWAYS_INLINE void enter_stub(const Frame* frame, const FuncVal* fn) {
  if constexpr (R.enter == Enter::MCALL) {
    runtime::cmcall(fn);
  } else if constexpr (R.enter == Enter::DIRECT) {
    runtime::codeof(fn)(nullptr);
  } else {
    frame->enter(fn);
  }
}

template <const Row& R>
ALWAYS_INLINE void call_slots(Frame* frame, const FuncVal* fn) {
  Call* call = frame->call;
  Frame* outer = current;
  set_current(frame);
  RECORD(called, call);
  EACH_SLOT(R.in, WRITE_ARGUMENT);
  enter_stub<R>(frame, fn);
  EACH_SLOT(R.out, READ_RESULT);
  EACH_SLOT(R.caller_zero, ZERO_SLOT);
  EACH_SLOT(R.caller_zero_if_true, ZERO_IF_TRUE);
  call->returns++;
  RECORD(returned, call);
  set_current(outer);
}

// ---- arguments in a closure, which lies in the caller's frame

struct Arguments {
  Closure closure;
  Frame* frame;
  std::uint64_t in[runtime::kSlots];
  std::uint64_t out[runtime::kSlots];
};

#define READ_CAPTURED(i) call->seen[i] = arguments->in[i]
#define WRITE_CAPTURED(i) arguments->out[i] = call->made[i]

template <const Row& R>
ALWAYS_INLINE void fn_closure(Closure* closure) {
  auto* arguments = reinterpret_cast<Arguments*>(closure);
  Call* call = arguments->frame->call;
  note_entry(call);
  EACH_SLOT(R.in, READ_CAPTURED);
  if constexpr (R.inner >= 0) run_inner(arguments->frame, kCode[R.inner].closure_caller);
  make_answers<R>(call);
  EACH_SLOT(R.out, WRITE_CAPTURED);
}

#define CAPTURE(i) arguments.in[i] = call->in[i]
#define READ_ANSWER(i) call->got[i] = arguments.out[i]

template <const Row& R>
ALWAYS_INLINE void call_closure(Frame* frame, void (*body)(Closure*, G*)) {
  Call* call = frame->call;
  Arguments arguments;
  arguments.closure.head.fn = runtime::closurethunk;
  arguments.closure.body = body;
  arguments.frame = frame;
  RECORD(called, call);
  EACH_SLOT(R.in, CAPTURE);
  if constexpr (R.enter == Enter::DIRECT) {
    body(&arguments.closure, nullptr);
  } else {
    enter_stub<R>(frame, &arguments.closure.head);
  }
  EACH_SLOT(R.out, READ_ANSWER);
  call->returns++;
  RECORD(returned, call);
}

// The end of fn: it returns; goes back by gogo (mcall); throws.
template <const Row& R>
ALWAYS_INLINE void end_fn(G* gp) {
  if constexpr (R.end_message[0] != '\0') {
    runtime::gothrow(R.end_message);
  } else if constexpr (R.enter == Enter::MCALL) {
    runtime::gogo(&gp->sched);
  }
}

}  // namespace

// ---- the functions, by their names

extern "C" {

#define SITE(site, ...)                                                    \
  constexpr Row kRow_##site = {.name = #site, __VA_ARGS__};                \
  SWITCH_TEXT void site(G* gp) {                                           \
    fn_slots<kRow_##site>();                                               \
    end_fn<kRow_##site>(gp);                                               \
  }                                                                        \
  SWITCH_TEXT void site##_closure(Closure* closure, G* gp) {               \
    fn_closure<kRow_##site>(closure);                                      \
    end_fn<kRow_##site>(gp);                                               \
  }                                                                        \
  static const FuncVal site##_fn = runtime::funcval(site);                 \
  SWITCH_TEXT void site##_call(void* frame) {                              \
    call_slots<kRow_##site>(static_cast<Frame*>(frame), &site##_fn);       \
  }                                                                        \
  SWITCH_TEXT void site##_call_closure(void* frame) {                      \
    call_closure<kRow_##site>(static_cast<Frame*>(frame), site##_closure); \
  }
#include "stress/subjects/onm/callsites.def"

// The scheduler's operations. Their fn is the runtime's own. Their return shows that it ran;
// goexit0 shows it when the M runs out of Gs.

SWITCH_TEXT void gosched_m_call(void* frame) {
  Call* call = static_cast<Frame*>(frame)->call;
  RECORD(called, call);
  runtime::gosched();
  call->fn_runs++;
  call->returns++;
  RECORD(returned, call);
}

SWITCH_TEXT void park_m_call(void* frame) {
  Call* call = static_cast<Frame*>(frame)->call;
  RECORD(called, call);
  runtime::gopark();
  call->fn_runs++;
  call->returns++;
  RECORD(returned, call);
}

SWITCH_TEXT void goexit0_call(void* frame) {
  Call* call = static_cast<Frame*>(frame)->call;
  RECORD(called, call);
  call->fn_runs++;
  runtime::goexit1();
}

}  // extern "C"

// ---- the tables

const Row kRows[] = {
#define SITE(name, ...) kRow_##name,
#define SWITCHING(site) {.name = #site, .enter = Enter::SWITCHING},
#include "stress/subjects/onm/callsites.def"
};
const unsigned kRowCount = sizeof kRows / sizeof kRows[0];

// A row entered DIRECT is at home on g0 only.
#define ON_G0 "@g0"
#define ON_IDLE "@idle"
const Started kStarted[] = {
#define SITE(name, ...) \
  {#name, row_##name, kRow_##name.enter == Enter::DIRECT ? Where::G0 : Where::CURG},
#define SWITCHING(name) {#name, row_##name, Where::CURG},
#define ALSO(site, on) {#site ON_##on, row_##site, Where::on},
#include "stress/subjects/onm/callsites.def"
};
const unsigned kStartedCount = sizeof kStarted / sizeof kStarted[0];

// ---- by mcall from anywhere

namespace {

struct Trip {
  Closure closure;
  const FuncVal* fn;
};

}  // namespace

extern "C" SWITCH_TEXT void mcall_trip(Closure* closure, G* gp) {
  const FuncVal* fn = reinterpret_cast<Trip*>(closure)->fn;
  runtime::codeof(fn)(gp);
  runtime::gogo(&gp->sched);
}

SWITCH_TEXT void mcall_and_back(const FuncVal* fn) {
  Trip trip{{{runtime::closurethunk}, mcall_trip}, fn};
  runtime::cmcall(&trip.closure.head);
}

void reset_frames() {
  current = nullptr;
  forget_events();
}
Frame* frame_under_way() {
  return current;
}
void set_frame_under_way(Frame* frame) {
  set_current(frame);
}

// ---- the G that wakes a parked one

namespace {

G* parked;

void wake_on_g0(Closure*, G*) {
  RECORD(entered, nullptr);
  runtime::ready(parked);
}

void helper_main() {
  Closure closure{{runtime::closurethunk}, wake_on_g0};
  RECORD(called, nullptr);
  runtime::onM(&closure.head);
  RECORD(returned, nullptr);
}

const FuncVal helper_fn = runtime::funcval(helper_main);

}  // namespace

void prepare_helper_g(int row) {
  if (row != row_park_m) return;
  parked = runtime::sched.runqhead;  // the operation's G: the only one so far
  runtime::newproc(&helper_fn);
}

}  // namespace sigsweep::onm
