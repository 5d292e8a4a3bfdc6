// A machine of contexts. Built without instrumentation: it runs on stacks of its own.
#include "fuzz/model.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "stress/subjects/onm/callsites.h"
#include "stress/subjects/onm/protocols.h"
#include "stress/trap/arch.h"

namespace sigsweep::fuzz {
namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;
using onm::Enter;
using onm::Event;
using onm::What;
using onm::Where;

constexpr std::size_t kStackSize = 64 * 1024;  // bytes

enum class Status : std::uint8_t { dead, runnable, running, waiting };

struct Thread {
  char* stack = nullptr;       // its lowest address
  fcontext_t where = nullptr;  // the point where it goes on; null while it runs
  void (*main)() = nullptr;    // its code
  Status status = Status::dead;
  unsigned number = 0;

  char* top() const { return stack + kStackSize; }
  bool contains(const void* sp) const { return sp > stack && sp <= top(); }
};

// The members of a queue or of the free list, the oldest first.
struct List {
  Thread* item[onm::kMostGs] = {};
  unsigned count = 0;

  void push(Thread* t) { item[count++] = t; }
  Thread* take_first() {
    Thread* first = item[0];
    count--;
    for (unsigned i = 0; i < count; i++) item[i] = item[i + 1];
    return first;
  }
};

struct Model {
  Thread g0, gs[onm::kMostGs];
  Thread* g = nullptr;
  Thread* curg = nullptr;
  List queue, ended;
  fcontext_t host = nullptr;  // the process's own stack
  void (*start)() = nullptr;  // run on g0 before the first G; null: nothing
  Thread* parked = nullptr;
  std::uint64_t slots[kMaxSlots]{};
  bool closures = false;
  int row = 0;
  trap::Probe probe{};
  Shown shown;
};
Model m;

void note(What what, const Call* call) {
  const unsigned at = m.shown.events.count++;
  if (at >= onm::kMaxEvents) return;
  const void* sp = __builtin_frame_address(0);
  unsigned stack = m.g0.contains(sp) ? m.g0.number : onm::kNobody;
  for (const Thread& t : m.gs) {
    if (t.contains(sp)) stack = t.number;
  }
  const bool saved = m.curg != nullptr && m.curg->where != nullptr;
  const unsigned curg = m.curg == nullptr ? onm::kNobody : m.curg->number;
  m.shown.events.event[at] = Event{what, call, m.g->number, stack, curg, saved};
}

// ---- switches

[[noreturn]] void unreachable() {
  std::fprintf(stderr, "model: a context that is over was jumped to\n");
  std::abort();
}

[[noreturn]] void gogo(Thread* t) {
  m.g = t;
  jump_fcontext(std::exchange(t->where, nullptr), nullptr);
  unreachable();
}

// Work for g0: fn(arg, the thread it came from), and whether that one goes on then.
struct Task {
  void (*fn)(void* arg, Thread* from);
  void* arg;
  bool comes_back;
};

void g0_entry(transfer_t from) {
  const Task task = *static_cast<const Task*>(from.data);
  Thread* const left = m.g;
  left->where = from.fctx;
  m.g = &m.g0;
  task.fn(task.arg, left);
  if (!task.comes_back) unreachable();
  gogo(m.curg);
}

void switch_to_g0(const Task& task) {
  jump_fcontext(make_fcontext(m.g0.top(), kStackSize, g0_entry), const_cast<Task*>(&task));
}

void onM(void (*fn)(void*, Thread*), void* arg) {
  if (m.g == &m.g0) {
    fn(arg, nullptr);
    return;
  }
  switch_to_g0({fn, arg, true});
}

void mcall(void (*fn)(void*, Thread*), void* arg) {
  switch_to_g0({fn, arg, false});
}

// ---- the scheduler

[[noreturn]] void leave() {
  m.g = nullptr;
  jump_fcontext(m.host, nullptr);
  unreachable();
}

[[noreturn]] void schedule() {
  if (m.queue.count == 0) leave();
  Thread* t = m.queue.take_first();
  t->status = Status::running;
  m.curg = t;
  gogo(t);
}

void ready(Thread* t) {
  if (t->status != Status::waiting) unreachable();
  t->status = Status::runnable;
  m.queue.push(t);
}

void gosched_on_g0(void*, Thread* t) {
  t->status = Status::runnable;
  m.curg = nullptr;
  m.queue.push(t);
  schedule();
}

void park_on_g0(void*, Thread* t) {
  t->status = Status::waiting;
  m.curg = nullptr;
  schedule();
}

void goexit_on_g0(void*, Thread* t) {
  t->status = Status::dead;
  m.curg = nullptr;
  m.ended.push(t);
  schedule();
}

void g_entry(transfer_t) {
  m.g->main();
  mcall(goexit_on_g0, nullptr);
}

void newproc(void (*main)()) {
  Thread* t = &m.gs[0];
  while (t->status != Status::dead) t++;
  t->main = main;
  t->status = Status::runnable;
  t->where = make_fcontext(t->top(), kStackSize, g_entry);
  m.queue.push(t);
}

// ---- the call sites

struct Frame {
  const onm::Row* row;
  Call* call;
  Frame* inner;                                          // null: fn calls nothing
  std::uint64_t passed[kMaxSlots], answered[kMaxSlots];  // the closure's variables
};

void run_row(Frame* frame);

template <class Do>
void each(SlotMask slots, Do&& what) {
  for (unsigned i = 0; i < kMaxSlots; i++) {
    if ((slots >> i & 1) != 0) what(i);
  }
}

// fn: echoes its arguments and answers with a mix of them. In a closure it touches no slot.
void body(Frame* frame) {
  const onm::Row& row = *frame->row;
  Call* call = frame->call;
  call->fn_runs++;
  note(What::entered, call);
  const std::uint64_t* from = m.closures ? frame->passed : m.slots;
  std::uint64_t* to = m.closures ? frame->answered : m.slots;
  std::uint64_t sum = 1;
  each(row.in, [&](unsigned i) { sum += call->seen[i] = from[i]; });
  if (!m.closures) each(row.zero_first, [](unsigned i) { m.slots[i] = 0; });
  if (frame->inner != nullptr) run_row(frame->inner);
  each(row.out, [&](unsigned i) { to[i] = call->made[i] = call->in[i] + (sum << 8); });
  if (!m.closures) each(row.zero_last, [](unsigned i) { m.slots[i] = 0; });
  if (row.end_message[0] == '\0') return;
  m.shown.thrown = row.end_message;
  jump_fcontext(m.host, nullptr);
}

void body_by_onM(void* frame, Thread*) {
  body(static_cast<Frame*>(frame));
}
void body_by_mcall(void* frame, Thread* from) {
  body(static_cast<Frame*>(frame));
  gogo(from);
}

void run_row(Frame* frame) {
  const onm::Row& row = *frame->row;
  Call* call = frame->call;
  note(What::called, call);
  std::uint64_t* to = m.closures ? frame->passed : m.slots;
  const std::uint64_t* from = m.closures ? frame->answered : m.slots;
  each(row.in, [&](unsigned i) { to[i] = call->in[i]; });
  if (row.enter == Enter::MCALL) {
    mcall(body_by_mcall, frame);
  } else if (row.enter == Enter::DIRECT) {
    body(frame);
  } else {
    onM(body_by_onM, frame);
  }
  each(row.out, [&](unsigned i) { call->got[i] = from[i]; });
  if (!m.closures) {
    each(row.caller_zero, [](unsigned i) { m.slots[i] = 0; });
    each(row.caller_zero_if_true, [&](unsigned i) {
      if (call->got[i] != 0) m.slots[i] = 0;
    });
  }
  call->returns++;
  note(What::returned, call);
}

void run_switching(std::string_view name) {
  Call* call = &m.shown.op;
  note(What::called, call);
  if (name == "goexit0") {
    call->fn_runs++;
    mcall(goexit_on_g0, nullptr);
  } else if (name == "park_m") {
    mcall(park_on_g0, nullptr);
  } else {
    mcall(gosched_on_g0, nullptr);
  }
  call->fn_runs++;
  call->returns++;
  note(What::returned, call);
}

void operation_proper(void*) {
  const onm::Row& row = onm::kRows[m.row];
  if (row.enter == Enter::SWITCHING) {
    run_switching(row.name);
    return;
  }
  Frame frame{&row, &m.shown.op, nullptr, {}, {}};
  Frame inner{nullptr, &m.shown.inner, nullptr, {}, {}};
  if (row.inner >= 0) {
    inner.row = &onm::kRows[row.inner];
    for (unsigned i = 0; i < kMaxSlots; i++) m.shown.inner.in[i] = m.shown.op.in[i] ^ 0x5a5a00;
    frame.inner = &inner;
  }
  run_row(&frame);
}

// With values in the registers that a call must keep.
void operation() {
  trap::Probe& p = m.probe;
  p.over = [] {};
  for (unsigned i = 0; i < trap::kKept; i++) p.kept_before[i] = 0x0101010101010101 * (i + 1);
  for (unsigned i = 0; i < trap::kControls; i++) p.control_before[i] = trap::kControlProbe[i];
  trap::probe_call(&p, operation_proper, nullptr);
  for (unsigned i = 0; i < trap::kKept; i++) {
    if (p.kept_after[i] != p.kept_before[i]) m.shown.lost = trap::kKeptNames[i];
  }
  for (unsigned i = 0; i < trap::kControls; i++) {
    if (p.control_after[i] != p.control_before[i]) m.shown.lost = trap::kControlNames[i];
  }
}

void operation_within_onM() {
  onM([](void*, Thread*) { operation(); }, nullptr);
}

void wake_parked() {
  note(What::called, nullptr);
  onM(
      [](void*, Thread*) {
        note(What::entered, nullptr);
        ready(m.parked);
      },
      nullptr);
  note(What::returned, nullptr);
}

// ---- a run

void make_stack(Thread* t, unsigned number) {
  t->number = number;
  if (t->stack != nullptr) return;
  const auto guard = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* p =
      mmap(nullptr, kStackSize + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || mprotect(p, guard, PROT_NONE) != 0) {
    std::perror("model: cannot map a stack");
    _exit(3);
  }
  t->stack = static_cast<char*>(p) + guard;
}

void reset() {
  make_stack(&m.g0, onm::kG0);
  for (unsigned i = 0; i < onm::kMostGs; i++) {
    make_stack(&m.gs[i], onm::number_of_goid(i + 1));
    m.gs[i].status = Status::dead;
    m.gs[i].where = nullptr;
  }
  m.g = m.curg = m.parked = nullptr;
  m.start = nullptr;
  m.queue.count = m.ended.count = 0;
  for (std::uint64_t& slot : m.slots) slot = 0;
  m.shown = Shown{};
}

// The M's first step: from the process's stack to g0.
void mstart(transfer_t from) {
  m.host = from.fctx;
  m.g = &m.g0;
  if (m.start != nullptr) m.start();
  schedule();
}

void note_end() {
  for (unsigned i = 0; i < kMaxSlots; i++) m.shown.slots[i] = m.slots[i];
  onm::World& w = m.shown.world;
  w.curg = m.curg == nullptr ? onm::kNobody : m.curg->number;
  w.runnable = m.queue.count;
  for (unsigned i = 0; i < m.ended.count; i++)
    w.ended[i] = m.ended.item[m.ended.count - 1 - i]->number;
}

}  // namespace

const Shown& run_model(unsigned protocol, unsigned site, const std::uint64_t* in) {
  reset();
  const onm::Started& started = onm::kStarted[site];
  m.row = started.row;
  m.closures = onm::operation_passing(protocol) == onm::CLOSURE;
  for (unsigned i = 0; i < kMaxSlots; i++) m.shown.op.in[i] = in[i];
  switch (started.where) {
    case Where::CURG:
      newproc(operation);
      if (std::string_view(onm::kRows[m.row].name) == "park_m") {
        m.parked = &m.gs[0];
        newproc(wake_parked);
      }
      break;
    case Where::G0:
      newproc(operation_within_onM);
      break;
    case Where::IDLE:
      m.start = operation;
      break;
  }
  jump_fcontext(make_fcontext(m.g0.top(), kStackSize, mstart), nullptr);
  note_end();
  return m.shown;
}

}  // namespace sigsweep::fuzz
