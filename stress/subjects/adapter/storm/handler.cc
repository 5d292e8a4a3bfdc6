// All of it is async-signal-safe, allocates nothing, and is not instrumented.
//
// A signal may land anywhere, also outside the operations: there a handler only counts it. A
// backtrace is taken where the exact lane takes one: in the code under test.
#include "stress/subjects/adapter/storm/handler.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "stress/base/code_ranges.h"
#include "stress/base/mask.h"
#include "stress/base/raw_memory.h"
#include "stress/storm/workload.h"
#include "stress/subjects/adapter/storm/stage.h"
#include "stress/trap/arch.h"
#include "stress/trap/frame.h"
#include "stress/unwind/unwind.h"

namespace sigsweep::storm::coroutines {

thread_local Stage* stage_here = nullptr;

namespace {

// Bytes below the red zone that a handler overwrites. All memory there is the signal's. The exact
// lane overwrites all that was ever used.
constexpr std::uint64_t kOverwritten = 4096;

bool own_stack;  // no SA_ONSTACK
CodeRanges code;

void find(Stage* stage, Verdict verdict) {
  stage->found = std::min(stage->found, verdict);
}

unsigned draw_handler(Thread* thread) {
  if (config.handlers.empty()) return kNoHandler;
  return config.handlers[random_word(&thread->rng) % config.handlers.size()];
}

// The ABI, and whether there is an SA_ONSTACK, demand this.
bool entered_well(const Stage& stage, std::uint64_t frame, std::uint64_t interrupted_sp,
                  std::uint64_t flags) {
  const adapter::Stacks& stacks = stage.subject.named_stacks();
  const bool right_stack =
      own_stack ? stage.subject.stack_of(frame) == stage.subject.stack_of(interrupted_sp)
                : stacks[adapter::kSignal].contains(frame);
  return right_stack && frame % trap::kFrameAlignment == trap::kFrameRest &&
         trap::flags_problem(flags) == nullptr;
}

void note_hit(Stage* stage, std::uint64_t pc, std::uint64_t sp, unsigned handler) {
  const adapter::Cast::Scene& scene = stage->subject.cast().scene;
  const unsigned stack = stage->subject.named_stacks().find(sp, scene.stack);
  stage->op_signals++;
  stage->hit.pc = pc;
  stage->hit.state = static_cast<std::uint32_t>(scene.part) | (stack & 0xff) << 8;
  stage->hit.handler = handler;
}

void overwrite_below(const Stage& stage, ucontext_t* uc, const siginfo_t* info) {
  const adapter::Stacks& stacks = stage.subject.named_stacks();
  const std::uint64_t sp = trap::context_sp(uc), end = sp - trap::kRedZone;
  const unsigned stack = stacks.find(sp, adapter::kHost);
  if (stack == adapter::Stacks::kNone || end <= stacks[stack].lo) return;
  if (stacks[stack].contains(trap::current_sp())) {
    trap::overwrite_gaps(uc, info, end);
  } else {
    raw_paint(std::max(stacks[stack].lo, end - kOverwritten), end);
  }
}

// It has its own frame: a crash of the unwinder comes back to it.
__attribute__((noinline)) void take_backtrace(Stage* stage, const ucontext_t* uc) {
  const adapter::Adapter& subject = stage->subject;
  KnownFrame known[kMaxKnownFrames];
  const unsigned count = subject.known_frames(known);
  const UnwindGrade least = subject.least_unwind(trap::context_pc(uc), trap::context_sp(uc));
  stage->backtraces.add();
  if (__builtin_setjmp(stage->after_crash) != 0) {
    find(stage, Verdict::crash);
    return;
  }
  stage->unwinding = true;
  const unwind::Walk walk = unwind::by_call_frames(uc, subject, {known, count});
  stage->unwinding = false;
  if (walk.grade == UnwindGrade::endless) {
    find(stage, Verdict::endless_backtrace);
  } else if (walk.grade < least) {
    find(stage, Verdict::broken_backtrace);
  }
}

// A round trip with a coroutine of the handler's own. Where it may be refused, one that was counts
// as a call whose values are right.
void call(Stage* stage, unsigned site) {
  Call made{}, inner{};
  made.inner = &inner;
  made.in[0] = static_cast<std::uintptr_t>(random_word(&stage->thread->rng)) | 1;
  stage->calls.add();
  stage->subject.handle(config.protocol, site, &made);
  (made.fn_owner != 0 ? stage->ran : stage->rejected).add();  // a body that ran has left its name
  if (made.fn_runs != 1 || made.returns != 1 ||
      stage->subject.check_call(site, made, true) != nullptr) {
    find(stage, Verdict::handler_clobbered);
  }
}

void handle(Stage* stage, ucontext_t* uc, const siginfo_t* info) {
  const std::uint64_t pc = trap::context_pc(uc), sp = trap::context_sp(uc);
  const unsigned handler = draw_handler(stage->thread);
  const bool outermost = stage->thread->depth == 1;
  if (outermost) {
    note_hit(stage, pc, sp, handler);
    overwrite_below(*stage, uc, info);
  }
  const bool nest = config.nest && outermost;
  if (nest) allow_nesting(SIG_UNBLOCK);
  if (calls_subject(handler)) {
    call(stage, handler);
  } else if (handler == kObserve && outermost && code.contains(pc)) {
    take_backtrace(stage, uc);
  }
  if (nest) allow_nesting(SIG_BLOCK);
}

void on_signal(int, siginfo_t* info, void* context) {
  const std::uint64_t flags = trap::flags_at_entry();
  const std::uint64_t entered = ticks();
  const int error = errno;
  Stage* const stage = stage_here;
  auto* uc = static_cast<ucontext_t*>(context);
  const std::uint64_t sp = trap::context_sp(uc);
  if (!entered_well(*stage, as_address(__builtin_frame_address(0)), sp, flags)) {
    stage->thread->wrong_stack.add();
  }
  signal_arrives(stage->thread, *info, *uc, entered);
  if (stage->subject.stack_of(sp) == 0) find(stage, Verdict::wrong_switch);
  if (stage->operating) {
    handle(stage, uc, info);
  } else {
    stage->other_signals++;
  }
  signal_leaves(stage->thread, entered);
  errno = error;
}

// A fault. One of the unwinder is a verdict; any other ends the process, and its last words say
// where.
void on_fault(int sig, siginfo_t*, void* context) {
  Stage* const stage = stage_here;
  if (stage != nullptr && stage->unwinding && stage->thread->depth == 1) {
    stage->unwinding = false;
    __builtin_longjmp(stage->after_crash, 1);
  }
  signal(sig, SIG_DFL);  // the fault comes again
  if (stage == nullptr) return;
  constexpr std::string_view kHead = "adapter: a fault in ";
  char text[128];
  std::copy(kHead.begin(), kHead.end(), text);
  std::size_t used = kHead.size();
  used += stage->subject.describe(trap::context_sp(static_cast<ucontext_t*>(context)), text + used,
                                  sizeof text - used - 1);
  text[used++] = '\n';
  if (write(STDERR_FILENO, text, used) < 0) return;
}

void install(int sig, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction sa {};
  sa.sa_sigaction = handler;
  sa.sa_flags = SA_SIGINFO | flags;
  if ((flags & SA_NODEFER) == 0) block_all_it_may(&sa.sa_mask);
  sigaction(sig, &sa, nullptr);
}

}  // namespace

void install_handlers(bool on_own_stack) {
  own_stack = on_own_stack;
  code = CodeRanges(sigsweep::subject().code());
  unwind::prepare();
  for (unsigned i = 0; i < kAsyncs; i++) {
    install(signal_of(static_cast<Async>(i)), on_signal, SA_RESTART | (own_stack ? 0 : SA_ONSTACK));
  }
  for (const int sig : {SIGSEGV, SIGBUS, SIGILL}) install(sig, on_fault, SA_ONSTACK | SA_NODEFER);
}

}  // namespace sigsweep::storm::coroutines
