// ptrace's stops, told apart.
#include "stress/engine/stepper.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "stress/trap/arch.h"

namespace sigsweep {

bool StepMemory::read(std::uint64_t address, void* out, std::size_t size) const {
  iovec here{out, size}, there{reinterpret_cast<void*>(static_cast<std::uintptr_t>(address)), size};
  return process_vm_readv(process_, &here, 1, &there, 1, 0) == static_cast<ssize_t>(size);
}

std::uint64_t StepMemory::word(std::uint64_t address, unsigned bytes) const {
  std::uint64_t value = 0;
  return read(address, &value, bytes) ? value : 0;
}

#if defined(__x86_64__) || defined(__i386__)

namespace {

constexpr std::uint64_t kTrapFlag = 0x100;
constexpr std::uint64_t kMostSteps = 400'000;
constexpr time_t kMostSeconds = 12;  // the host gives up a runner that is silent for 30 s

StepRegisters registers_of(pid_t child) {
  user_regs_struct r{};
  ptrace(PTRACE_GETREGS, child, nullptr, &r);
#if defined(__x86_64__)
  return {{r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12,
           r.r13, r.r14, r.r15},
          r.rip,
          r.eflags,
          r.fs_base};
#else
  const auto word = [](long value) { return std::uint64_t{static_cast<std::uint32_t>(value)}; };
  return {{word(r.eax), word(r.ecx), word(r.edx), word(r.ebx), word(r.esp), word(r.ebp),
           word(r.esi), word(r.edi)},
          word(r.eip),
          word(r.eflags),
          0};
#endif
}

bool is_fault(int sig, const siginfo_t& info) {
  const bool faults = sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
  return faults && info.si_code > 0;  // not sent by a process
}

class Tracer {
 public:
  Tracer(pid_t child, const CodeRanges& code, const Course& seen, const StepTaker& taker)
      : child_(child), code_(code), seen_(seen), taker_(taker), memory_(child) {}

  SteppedTrial run() {
    while (end_.end == SteppedTrial::came_back && end_.problem.empty() && wait()) {
      if (!take_stop()) end_.end = SteppedTrial::enough;
    }
    if (!gone_) end_child();
    return end_;
  }

 private:
  void resume(int sig) {
    own_flag_ = stepping_ && (registers_.flags & kTrapFlag) != 0;
    if (stepping_ && ++steps_ > kMostSteps) {
      end_.end = SteppedTrial::late;
      return;
    }
    ptrace(stepping_ ? PTRACE_SINGLESTEP : PTRACE_CONT, child_, nullptr, sig);
  }
  // For its next stop. False: it has ended.
  bool wait() {
    while (waitpid(child_, &status_, 0) < 0 && errno == EINTR) {
    }
    if (WIFSTOPPED(status_)) return true;
    gone_ = true;
    if (WIFSIGNALED(status_)) {
      end_.end = WTERMSIG(status_) == SIGKILL ? SteppedTrial::late : SteppedTrial::ended;
    } else if (!marked_) {
      end_.problem = "this machine lets no process trace its child";
    } else {
      end_.end = over_ && WEXITSTATUS(status_) == 0 ? SteppedTrial::came_back : SteppedTrial::ended;
    }
    return false;
  }
  // False: the taker has had enough.
  bool take_stop() {
    const int sig = WSTOPSIG(status_);
    siginfo_t info{};
    ptrace(PTRACE_GETSIGINFO, child_, nullptr, &info);
    registers_ = registers_of(child_);
    if (sig == SIGTRAP) return take_trap(info);
    if (stepping_ && seen_.hits > 0 && is_fault(sig, info)) {
      taker_(view(StepFault{sig, reinterpret_cast<std::uintptr_t>(info.si_addr)}));
      end_.end = SteppedTrial::faulted;
      return true;
    }
    resume(sig);
    return true;
  }
  // A breakpoint of the trial and its own steps are the child's; a mark and our steps are not.
  bool take_trap(const siginfo_t& info) {
    const bool breakpoint = info.si_code == SI_KERNEL;
    if (breakpoint && !code_.contains(registers_.pc - trap::kBreakAdvance)) {
      if (marked_) taker_({registers_, memory_, seen_, {}, true});
      over_ = marked_;
      stepping_ = !marked_;
      marked_ = true;
    } else if (breakpoint || own_flag_) {
      resume(SIGTRAP);
      return true;
    }
    const bool goes_on = !stepping_ || taker_(view({}));
    if (goes_on) resume(0);
    return goes_on;
  }
  StepView view(StepFault fault) const { return {registers_, memory_, seen_, fault, false}; }
  void end_child() const {
    kill(child_, SIGKILL);
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  const pid_t child_;
  const CodeRanges& code_;
  const Course& seen_;
  const StepTaker& taker_;
  const StepMemory memory_;
  StepRegisters registers_;
  SteppedTrial end_;
  std::uint64_t steps_ = 0;
  int status_ = 0;
  bool marked_ = false;    // the first mark was reached
  bool over_ = false;      // and the second
  bool stepping_ = false;  // between the two
  bool own_flag_ = false;  // the child has set the trap flag itself, for the instruction in front
  bool gone_ = false;
};

}  // namespace

bool let_parent_step() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t timer;
  itimerspec once{};
  once.it_value.tv_sec = kMostSeconds;
  return timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
         timer_settime(timer, 0, &once, nullptr) == 0 &&
         ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0;
}

SteppedTrial step_child(pid_t child, const CodeRanges& code, const Course& seen,
                        const StepTaker& taker) {
  return Tracer(child, code, seen, taker).run();
}

#else

bool let_parent_step() {
  return false;
}

SteppedTrial step_child(pid_t child, const CodeRanges&, const Course&, const StepTaker&) {
  int status = 0;
  waitpid(child, &status, 0);
  return {"no trial of this ISA can be stepped from outside", {}, {}};
}

#endif

}  // namespace sigsweep
