// Built without instrumentation: it runs in the trap.
#include "stress/trap/door_frame.h"

#include "stress/base/raw_memory.h"
#include "stress/base/region.h"
#include "stress/trap/arch.h"
#include "stress/trap/frame.h"

namespace sigsweep::trap {

extern "C" {
DoorFrame door_frame;
}

#if defined(__x86_64__)

namespace {

void learn(int, siginfo_t*, void* context) {
  const auto* uc = static_cast<const ucontext_t*>(context);
  constexpr std::uint64_t kAvx = 4;  // its bit in XSAVE's list
  DoorFrame& frame = door_frame;
  const auto* state = reinterpret_cast<const unsigned char*>(uc->uc_mcontext.fpregs);
  SoftwareBytes software;
  raw_copy(&software, state + SoftwareBytes::kOffset, sizeof software);
  raw_copy(frame.software, &software, sizeof software);
  static_assert(sizeof frame.software == sizeof software);
  raw_copy(frame.head, uc, sizeof frame.head);
  raw_copy(frame.segments, &uc->uc_mcontext.gregs[REG_CSGSFS], sizeof frame.segments);
  raw_copy(&frame.mask, &uc->uc_sigmask, sizeof frame.mask);
  raw_copy(&frame.back, reinterpret_cast<const unsigned char*>(uc) - sizeof frame.back,
           sizeof frame.back);
  frame.state_bytes = software.extended_size;
  frame.state_end = software.xstate_size;
  frame.features = software.xfeatures;
  frame.stack = as_address(uc->uc_stack.ss_sp);
  frame.stack_size = uc->uc_stack.ss_size;
  frame.wide = (software.xfeatures & kAvx) != 0 ? 1 : 0;
}

}  // namespace

void learn_frame() {
  struct sigaction own {
  }, before{};
  own.sa_sigaction = learn;
  own.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGTRAP, &own, &before);
  standing_break();
  sigaction(SIGTRAP, &before, nullptr);
}

#else

void learn_frame() {}

#endif

}  // namespace sigsweep::trap
