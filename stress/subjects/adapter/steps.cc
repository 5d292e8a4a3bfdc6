// Stepping by trap flag, and what a child's death means. Never instrumented.
#include "stress/subjects/adapter/steps.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <new>

#include "stress/base/mask.h"
#include "stress/base/modules.h"

namespace sigsweep::adapter {

void ExecutedSet::add(const Executed& one) {
  std::uint64_t at = (one.pc * 0x9e3779b97f4a7c15) >> 50;  // 14 bits
  static_assert(kRows == 1 << 14);
  while (rows_[at].pc != 0 && rows_[at].pc != one.pc) at = (at + 1) % kRows;
  if (rows_[at].pc == 0) {
    if (is_full()) return;
    rows_[at] = one;
    count_++;
  }
  rows_[at].sites |= one.sites;
  rows_[at].without_stack = rows_[at].without_stack || one.without_stack;
}

namespace {

// The child's, for its handler of traps.
struct Stepping {
  StepLog* log = nullptr;
  const Cast* cast = nullptr;
  const Stacks* stacks = nullptr;
  CodeRanges program;  // the harness's own code: not looked at
  bool over = false;
  unsigned stack = kHost;                         // at the step before
  std::uint64_t sp = 0;                           // likewise
  std::uint64_t before[Allocation::kSteps] = {};  // the last steps, the latest first
  trap::Probe host;                               // around the site's call
} stepping;

constexpr const char* kHeapNames[] = {"malloc",         "calloc",        "realloc", "free",
                                      "posix_memalign", "aligned_alloc", "mmap",    "munmap"};
std::uint64_t heap_functions[std::size(kHeapNames)];

void note_allocation(std::uint64_t pc) {
  for (std::size_t i = 0; i < std::size(kHeapNames); i++) {
    if (pc != heap_functions[i]) continue;
    Allocation a{.function = kHeapNames[i],
                 .site = stepping.log->last.site,
                 .part = stepping.cast->scene.part};
    for (unsigned k = 0; k < Allocation::kSteps; k++) a.before[k] = stepping.before[k];
    stepping.log->allocations.add(a);
  }
}

bool is_within_library(WayPart part) {
  return part != WayPart::caller && part != WayPart::body;
}

// The stack `from` was left; its frames go down to the last SP there.
void note_depth(unsigned from) {
  if (from >= kSignal) return;
  const trap::Probe* away = from == kHost ? &stepping.host : (*stepping.cast)[from].away;
  if (away == nullptr || away->sp_before < stepping.sp) return;
  const std::uint64_t depth = away->sp_before - stepping.sp;
  std::uint32_t& deepest = stepping.log->depth[from];
  if (depth > deepest && depth <= StepLog::kMostDepth) deepest = static_cast<std::uint32_t>(depth);
}

void note_last(std::uint64_t pc, std::uint64_t sp) {
  for (unsigned i = Allocation::kSteps - 1; i > 0; i--) stepping.before[i] = stepping.before[i - 1];
  stepping.before[0] = pc;
  stepping.sp = sp;
}

void note_step(std::uint64_t pc, std::uint64_t sp) {
  const Cast::Scene& scene = stepping.cast->scene;
  StepLog& log = *stepping.log;
  const unsigned stack = stepping.stacks->find(sp, scene.stack);
  if (scene.part == WayPart::body && stack == Stacks::kNone) log.undeclared_sp = sp;
  if (!is_within_library(scene.part)) {
    stepping.stack = stack;
    note_last(pc, sp);
    return;
  }
  log.last.pc = pc;
  log.last.part = scene.part;
  if (stack != stepping.stack) {
    log.moves.add(Move{stepping.before[0], log.last.site, scene.part, stepping.stack, stack});
    note_depth(stepping.stack);
    stepping.stack = stack;
  }
  if (scene.part != WayPart::create && scene.part != WayPart::exit) note_allocation(pc);
  log.executed.add(
      Executed{pc, std::uint32_t{1} << log.last.site, scene.part, stack == Stacks::kNone});
  note_last(pc, sp);
}

void on_trap(int, siginfo_t*, void* context) {
  const int error = errno;
  auto* uc = static_cast<ucontext_t*>(context);
  const std::uint64_t pc = trap::context_pc(uc);
  const bool of_library = !stepping.program.contains(pc);
  if (of_library || stepping.cast->scene.part == WayPart::body) {
    note_step(pc, trap::context_sp(uc));
  }
  trap::set_trap_flag(uc, !stepping.over);
  errno = error;
}

// ---- in the child

// The library's own handler for SIGTRAP would get the steps, and the breakpoints of every trial.
void require_trap() {
  struct sigaction now {};
  if (sigaction(SIGTRAP, nullptr, &now) == 0 && now.sa_sigaction == on_trap) return;
  stepping.log->last.takes_trap = true;
  _exit(2);
}

// Seconds of processor time, and of any.
constexpr unsigned kMostCpu = 5, kMostTime = 20;

void note_death(const Death& death) {
  StepLog& log = *stepping.log;
  log.last.death = death;
  log.last.part = stepping.cast->scene.part;
}

void set_up(StepLog* log, const Cast* cast, const Stacks* stacks) {
  Cast::tell_failure(log->last.failure, sizeof log->last.failure);
  stepping.log = log;
  stepping.cast = cast;
  stepping.stacks = stacks;
  std::vector<Region> own;
  for (const CodeRanges::Range& r : modules_of_process().program().executable) {
    own.push_back({as_pointer<const void>(r.begin), static_cast<std::size_t>(r.end - r.begin)});
  }
  stepping.program = CodeRanges(own);
  for (std::size_t i = 0; i < std::size(kHeapNames); i++) {
    heap_functions[i] = as_address(dlsym(RTLD_DEFAULT, kHeapNames[i]));
  }
  const rlimit cpu = {kMostCpu, kMostCpu + 1};
  setrlimit(RLIMIT_CPU, &cpu);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  static stack_t alternate;
  alternate.ss_sp = const_cast<void*>((*stacks)[kSignal].region().at);
  alternate.ss_size = (*stacks)[kSignal].region().size;
  sigaltstack(&alternate, nullptr);
  guard(note_death);
  struct sigaction sa {};
  sa.sa_sigaction = on_trap;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
  block_all_it_may(&sa.sa_mask);
  sigaction(SIGTRAP, &sa, nullptr);
}

bool is_mistaken(const SiteRow& row, const Call& call) {
  if (row.creates) return false;
  const bool answered = call.fn_runs == 1 && call.returns == 1 && call.seen[0] == call.in[0] &&
                        call.got[0] == call.made[0];
  const bool has_inner = row.task == Coroutine::nest || row.task == Coroutine::transfer;
  return !answered || (has_inner && (call.inner->fn_runs != 1 || call.inner->returns != 1 ||
                                     call.inner->got[0] != call.inner->made[0]));
}

void step_site(unsigned index, Cast* cast) {
  const SiteRow& row = kSites[index];
  StepLog& log = *stepping.log;
  Call call{}, inner{};
  call.inner = &inner;
  call.in[0] = 0x51;
  log.last.site = index;
  prepare(row, cast);
  stepping.stack = kHost;
  stepping.over = false;
  constexpr int kErrno = 1234;  // nobody's
  errno = kErrno;
  trap::raise_trap_flag();
  perform(row, cast, &stepping.host, &call);
  stepping.over = true;
  log.sites[index].sets_errno = errno != kErrno;
  asm volatile("nop; nop");
  log.sites[index].mistaken = is_mistaken(row, call);
  require_trap();
  look_again(cast);
  log.sites[index].problem = cast->problem;
  log.sites[index].done = true;
}

void step_all(void* argument) {
  auto* cast = static_cast<Cast*>(argument);
  cast->begin();
  stepping.log->last.began = true;
  require_trap();
  for (unsigned i = 0; i < std::size(kSites); i++) {
    if (is_there(kSites[i], cast->library())) step_site(i, cast);
  }
  stepping.log->last.finished = true;
}

// ---- in the parent

// Waits for the child's end; false: it had to be killed.
bool wait_for(pid_t child, int* status) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd ended = {fd, POLLIN, 0};
  const bool in_time = fd < 0 || poll(&ended, 1, static_cast<int>(kMostTime * 1000)) != 0;
  if (!in_time) kill(child, SIGKILL);
  if (fd >= 0) close(fd);
  waitpid(child, status, 0);
  return in_time;
}

// Names the instruction where it was last.
std::string place_of(const LastSeen& last) {
  const std::uint64_t pc = last.death.pc != 0 ? last.death.pc : last.pc;
  const auto named = modules_of_process().find(pc);
  if (pc == 0 || !named) return {};
  char offset[24];
  std::snprintf(offset, sizeof offset, "+0x%llx", static_cast<unsigned long long>(named->offset));
  return ", last at " + named->symbol + offset;
}

// The part that was under way. Before the first site the harness makes coroutines and wakes them.
std::string where(const LastSeen& last) {
  std::string part = std::string(kWayPartNames[static_cast<unsigned>(last.part)]) + "()";
  if (last.part == WayPart::caller) part = last.began ? "the library" : "begin()";
  if (last.part == WayPart::body) part = "a body";
  if (last.part == WayPart::exit) part = "the way back from a body's end";
  return last.began ? part + ", site " + std::string(kSites[last.site].name) : part;
}

void judge_end(int status, bool in_time, Stepped* out) {
  const LastSeen& last = out->log->last;
  if (last.finished && WIFEXITED(status)) return;
  out->status = 3;
  const bool hung = !in_time || (WIFSIGNALED(status) &&
                                 (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL));
  if (last.failure[0] != '\0') {
    out->problem = last.failure;
    return;
  }
  if (last.takes_trap) {
    out->status = 2;
    out->problem =
        "the library sets a handler for SIGTRAP; allowed: any other signal, because sigsweep's "
        "breakpoints need this one";
    return;
  }
  out->problem = "before any signal, in " + where(last) + ": ";
  if (hung) {
    out->problem += "it never comes back";
  } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP) {
    out->problem += "it masks or ignores SIGTRAP, so no breakpoint can stand there";
  } else if (WIFSIGNALED(status)) {
    out->problem += std::string("it died of ") + strsignal(WTERMSIG(status));
  } else {
    out->problem += "the process ended itself with status " + std::to_string(WEXITSTATUS(status));
  }
  out->problem += place_of(last);
  if (last.part == WayPart::exit) {
    out->problem += ". A body has returned: resume() must come back then, as from suspend()";
  }
}

}  // namespace

Stepped step_through(const Library&, Cast* cast, const Stacks& stacks) {
  Stepped out;
  void* memory =
      mmap(nullptr, sizeof(StepLog), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    out.problem = std::string("memory for the steps: ") + std::strerror(errno);
    out.status = 3;
    return out;
  }
  out.log = new (memory) StepLog;
  modules_of_process();  // before the fork: both sides use it
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // the library may wait for ever
    if (getppid() != parent) _exit(0);
    set_up(out.log, cast, &stacks);
    trap::Containment frame{};
    frame.stack = stacks[kHost].hi;
    trap::contain_call(&frame, step_all, cast);
    _exit(0);
  }
  int status = 0;
  const bool in_time = child > 0 && wait_for(child, &status);
  if (child < 0) {
    out.problem = std::string("a child could not be started: ") + std::strerror(errno);
    out.status = 3;
  } else {
    judge_end(status, in_time, &out);
  }
  return out;
}

}  // namespace sigsweep::adapter
