// The frame that the kernel writes for a signal (x86: asm/sigcontext.h; the processor's state in
// it: Intel SDM 1, chapter 13). Everything here is async-signal-safe.
#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cstdint>

namespace sigsweep::trap {

#if defined(__x86_64__) || defined(__i386__)

// The kernel's words about the processor's state in a frame: `fpx_sw_bytes`, in bytes 464 to 512 of
// FXSAVE's form.
struct SoftwareBytes {
  std::uint32_t magic;          // kMagic; any other: only FXSAVE's form is there
  std::uint32_t extended_size;  // from fpregs on, with the magic at the end
  std::uint64_t xfeatures;      // the components that the frame holds
  std::uint32_t xstate_size;    // XSAVE's part; kEndMagic stands behind it
  std::uint32_t reserved[7];
  static constexpr std::size_t kOffset = 464;
  static constexpr std::uint32_t kMagic = 0x46505853, kEndMagic = 0x46505845;
};
static_assert(sizeof(SoftwareBytes) == 48);

#endif

// Can resume_context() restore all of this frame? The processor's state must be there, whole and in
// XRSTOR's form, and the trap flag must be clear. Else the frame goes back by sigreturn.
bool can_resume(const ucontext_t* uc);

// Overwrites the bytes of a frame, up to `end` above it, that the kernel left as they were: gaps
// for alignment, and gaps between the components of the processor's state. Code that keeps anything
// there loses it by one signal or another, because the gaps of other processors lie elsewhere. A
// frame of unknown form stays as it is.
void overwrite_gaps(ucontext_t* uc, const siginfo_t* info, std::uint64_t end);

}  // namespace sigsweep::trap
