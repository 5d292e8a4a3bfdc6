// The signal handler. All of it runs on gsignal: async-signal-safe, allocates nothing, is not
// instrumented, and calls nothing that a sanitizer intercepts (no large initialiser: that is
// memset).
//
// A rejected call is resumed at the handler's saved SP by the throw hook; in the original it ends
// the process. Claim 2 makes that legal: between the call and the throw nothing changed. Before the
// call, the handler itself wrote its arguments into the slots; that is undone.
#include "stress/subjects/onm/storm/handler.h"

#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "runtime/mheap.h"
#include "runtime/print.h"
#include "runtime/slots.h"
#include "stress/oracle/oracle.h"
#include "stress/storm/workload.h"
#include "stress/subjects/onm/callsites.h"
#include "stress/subjects/onm/storm/state.h"
#include "stress/trap/arch.h"

namespace sigsweep::storm::go {

MState states[kMaxThreads + 1];

namespace {

unsigned size_class_site;  // its s0 is a size class

// Nonces; a size class where one is expected, so that a clobbered operation can go on with it.
void draw(unsigned site, std::uint64_t* rng, std::uint64_t* args) {
  for (unsigned i = 0; i < kMaxSlots; i++) args[i] = random_word(rng) | 1;
  if (site == size_class_site) args[0] = 1 + random_word(rng) % (runtime::kClasses - 1);
}

// True if the call ran; false if it was rejected. It has its own frame, so that it can be resumed.
__attribute__((noinline)) bool call(MState* m, unsigned level, unsigned site, Call* made) {
  onm::Frame* volatile frame = onm::frame_under_way();
  const volatile bool outer = m->calling;
  runtime::SavedSlots saved;
  runtime::M* const mp = runtime::getg()->m;
  runtime::saveslots(mp, &saved);
  if (__builtin_setjmp(m->resume[level]) == 0) {
    m->calling = true;
    subject().handle(config.protocol, site, made);
    m->calling = outer;
    return true;
  }
  runtime::G* const gsignal = runtime::getg();
  runtime::M* const back = gsignal->m;
  states[back->id].calling = outer;
  // The abandoned frames left ASan's borders around their variables; this frame has none.
  const auto sp = reinterpret_cast<runtime::Word>(__builtin_frame_address(0));
  runtime::unpoison(gsignal->stack.lo, sp - gsignal->stack.lo);
  runtime::restoreslots(back, &saved);
  onm::set_frame_under_way(frame);
  return false;
}

// The signal that interrupts the operation under way: a schedule will land it.
void note_hit(MState* m, const ucontext_t& uc, const runtime::G* gp, unsigned site,
              const std::uint64_t* args) {
  const runtime::G* g0 = gp->m->g0;
  Hit& hit = m->hit;
  m->op_signals++;
  hit.pc = runtime::sigctxpc(uc);
  const runtime::Word sp = runtime::sigctxsp(uc);
  hit.state = gp == g0 ? kOnG0 : 0;
  if (sp > g0->stack.lo && sp <= g0->stack.hi) hit.state |= kSpInG0;
  hit.handler = site;
  for (unsigned i = 0; i < kMaxSlots; i++) hit.args[i] = args[i];
}

void judge(MState* m, unsigned site, const Call& made) {
  const Site& s = subject().sites()[site];
  const bool hurt = made.fn_runs != 1 || made.returns != 1 || clobbered_arguments(s, made) != 0 ||
                    clobbered_results(s, made) != 0;
  if (hurt) m->handler_clobbered.add();
}

void handle(MState* m, Thread* thread, const ucontext_t& uc, const runtime::G* gp) {
  const unsigned site = config.handlers[random_word(&thread->rng) % config.handlers.size()];
  Call made, inner;  // the values of fn and caller are read only if they ran
  made.fn_runs = made.returns = inner.fn_runs = inner.returns = 0;
  made.inner = &inner;
  draw(site, &thread->rng, made.in);
  const unsigned level = thread->depth - 1;  // handlers that this one interrupts
  note_hit(m, uc, gp, site, made.in);
  const bool nest = config.nest && level == 0;
  if (nest) allow_nesting(SIG_UNBLOCK);
  m->calls.add();
  if (call(m, level, site, &made)) {
    m->ran.add();
    judge(m, site, made);
  } else {
    m->rejected.add();
  }
  if (nest) allow_nesting(SIG_BLOCK);
}

// The ABI, and SA_ONSTACK for every signal, demand this: SP lies in gsignal's stack and is aligned,
// and the direction flag is clear.
bool entered_well(const runtime::G* gsignal, std::uint64_t frame, std::uint64_t flags) {
  return frame > gsignal->stack.lo && frame <= gsignal->stack.hi &&
         frame % trap::kFrameAlignment == trap::kFrameRest && trap::flags_problem(flags) == nullptr;
}

// In front of a real throw's message, where none may stand: nobody reads the counts of a process that
// throws.
void say_wrong_stack() {
  constexpr std::string_view kText = "a handler was entered on a wrong stack, or against the ABI\n";
  if (write(STDERR_FILENO, kText.data(), kText.size()) < 0) return;
}

// By kProbe's sender: it is in no source's account.
bool is_probe(const siginfo_t& info) {
  return info.si_code == SI_QUEUE && info.si_value.sival_int == kProbe;
}

void on_signal(int, void* info, void* ctx, runtime::G* gp) {
  const std::uint64_t flags = trap::flags_at_entry();
  const std::uint64_t entered = ticks();
  const runtime::Word id = gp->m->id;
  Thread* thread = &threads[id];
  if (!entered_well(runtime::getg(), as_address(__builtin_frame_address(0)), flags)) {
    thread->wrong_stack.add();
    if (config.throw_for_real) say_wrong_stack();
  }
  if (id == kMaxThreads || is_probe(*static_cast<const siginfo_t*>(info))) {
    states[id].probes.add();
    return;
  }
  const auto& uc = *static_cast<const ucontext_t*>(ctx);
  signal_arrives(thread, *static_cast<const siginfo_t*>(info), uc, entered);
  if (!config.handlers.empty()) handle(&states[id], thread, uc, gp);
  signal_leaves(thread, entered);
}

bool is_rejection(const char* message) {
  for (const char c : subject().reject_message()) {
    if (*message++ != c) return false;
  }
  return *message == '\0';
}

// The last words, for the host, of a process that a throw ends: which throw, and where. A rejection
// that is not on gsignal is of a legal call.
void say_throw(const runtime::G* gp, const char* message) {
  char text[256];
  const bool on_gsignal = gp != nullptr && gp == gp->m->gsignal;
  const bool on_g0 = gp != nullptr && gp == gp->m->g0;
  const char* where = on_gsignal ? "gsignal" : on_g0 ? "g0" : "g";
  const char* legal = !on_gsignal && is_rejection(message) ? "1" : "0";
  char* end = text;
  for (const char* part : {"threw where=", where, " false_reject=", legal, " message="})
    end = stpcpy(end, part);
  for (; *message != '\0' && end < text + sizeof text - 2; message++) {
    *end++ = *message == ' ' ? '_' : *message;
  }
  *end++ = '\n';
  if (write(STDOUT_FILENO, text, static_cast<std::size_t>(end - text)) < 0) return;
}

void on_throw(const char* message) {
  const runtime::G* gp = runtime::getg();
  const bool rejection = is_rejection(message);
  if (rejection && !config.throw_for_real && gp != nullptr && gp == gp->m->gsignal) {
    MState* m = &states[gp->m->id];
    if (m->calling) __builtin_longjmp(m->resume[threads[gp->m->id].depth - 1], 1);
  }
  if (!config.throw_for_real) say_throw(gp, message);
}

}  // namespace

void install_handlers() {
  size_class_site = static_cast<unsigned>(subject().sites().size());
  for (unsigned i = 0; i < subject().sites().size(); i++) {
    if (subject().sites()[i].name == "mcacheRefill_m") size_class_site = i;
  }
  for (unsigned i = 0; i < kAsyncs; i++)
    runtime::setsig(signal_of(static_cast<Async>(i)), on_signal);
  runtime::throwhook = on_throw;
}

}  // namespace sigsweep::storm::go
