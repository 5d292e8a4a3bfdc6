// perf_event_open(2), "sigtrap". An execution breakpoint fires again for ever if its own handler
// runs the same code: it is disabled before anything else. Built without instrumentation.
#include "stress/trap/hwbreak.h"

#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "stress/trap/arch.h"

namespace sigsweep::trap {
namespace {

constexpr int kTrapPerf = 6;  // si_code TRAP_PERF, which older headers lack

struct HwBreak {
  int fd = -1;
  std::uint64_t pc = 0;
  std::uint32_t passes_left = 0;  // 0: not armed
};
HwBreak events[kHwBreaks];
volatile sig_atomic_t fired = 0;
bool tried = false;
std::string why_not;

perf_event_attr attributes(std::uint64_t pc, bool disabled) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_BREAKPOINT;
  attr.bp_type = HW_BREAKPOINT_X;
  attr.bp_addr = pc;
  attr.bp_len = sizeof(std::uint64_t);  // the kernel's long
  attr.sample_period = 1;
  attr.sigtrap = 1;
  attr.remove_on_exec = 1;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  attr.disabled = disabled ? 1 : 0;
  return attr;
}

int open_event(std::uint64_t pc, bool disabled) {
  perf_event_attr attr = attributes(pc, disabled);
  return static_cast<int>(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

__attribute__((noinline)) void probe_target() {
  asm volatile("nop");
}

void note_fired(int, siginfo_t* info, void*) {
  if (info->si_code == kTrapPerf) fired = 1;
}

// Does a breakpoint of this kernel, on this machine, ever fire?
std::string try_one() {
  struct sigaction probe {
  }, before{};
  probe.sa_sigaction = note_fired;
  probe.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &probe, &before);
  fired = 0;
  const int fd = open_event(reinterpret_cast<std::uintptr_t>(&probe_target), false);
  const int error = errno;
  if (fd >= 0) probe_target();
  if (fd >= 0) close(fd);
  sigaction(SIGTRAP, &before, nullptr);
  if (fd < 0) {
    return std::string("perf_event_open refuses an execution breakpoint: ") + std::strerror(error);
  }
  if (fired == 0) return "perf_event_open gives an execution breakpoint that never fires here";
  return {};
}

}  // namespace

std::string prepare_hwbreak() {
  if (!tried) why_not = try_one();
  tried = true;
  for (HwBreak& event : events) {
    if (!why_not.empty()) break;
    if (event.fd >= 0) continue;
    event.fd = open_event(reinterpret_cast<std::uintptr_t>(&probe_target), true);
    if (event.fd < 0) why_not = std::string("no free debug register: ") + std::strerror(errno);
  }
  return why_not;
}

void forget_hwbreak() {
  for (HwBreak& event : events) {
    if (event.fd >= 0) close(event.fd);
    event = HwBreak{};
  }
}

void arm_hwbreak(unsigned index, std::uint64_t pc, std::uint32_t nth) {
  HwBreak& event = events[index];
  perf_event_attr attr = attributes(pc, false);
  event.pc = pc;
  event.passes_left = nth;
  ioctl(event.fd, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, &attr);
  ioctl(event.fd, PERF_EVENT_IOC_ENABLE, 0);
}

int take_hwbreak(const siginfo_t* info, const ucontext_t* uc) {
  if (info->si_code != kTrapPerf) return kNoHwBreak;
  const std::uint64_t pc = context_pc(uc);
  int hit = -1;
  for (unsigned i = 0; i < kHwBreaks; i++) {
    HwBreak& event = events[i];
    if (event.passes_left == 0 || event.pc != pc) continue;
    if (--event.passes_left != 0) continue;  // all events here have seen this pass: one SIGTRAP
    ioctl(event.fd, PERF_EVENT_IOC_DISABLE, 0);
    hit = static_cast<int>(i);
  }
  return hit;
}

bool is_any_hwbreak_armed() {
  for (const HwBreak& event : events) {
    if (event.passes_left != 0) return true;
  }
  return false;
}

void disarm_hwbreaks() {
  for (HwBreak& event : events) {
    if (event.passes_left != 0) ioctl(event.fd, PERF_EVENT_IOC_DISABLE, 0);
    event.passes_left = 0;
  }
}

}  // namespace sigsweep::trap
