// The form of a signal's frame. Built without instrumentation: it runs in the trap.
#include "stress/trap/frame.h"

#include "stress/base/raw_memory.h"
#include "stress/base/region.h"
#include "stress/trap/arch.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

namespace sigsweep::trap {

#if defined(__x86_64__) || defined(__i386__)

namespace {

constexpr std::uint64_t kTrapFlag = 0x100;
constexpr std::uint64_t kStateAlignment = 64;  // bytes; XRSTOR faults at any other
constexpr std::size_t kLegacy = 512;           // bytes that FXSAVE writes
// Bytes behind them: they tell which components follow, and in which form.
constexpr std::size_t kHeader = 64;
constexpr std::size_t kUnusedLegacy = 416;  // from here to the software's bytes nobody writes
constexpr unsigned kFirstExtended = 2, kComponents = 63;
// The kernel's ucontext, which ends at its mask; in a frame of 386, also the code behind it.
constexpr std::size_t kContextBytes = sizeof(void*) == 8 ? 304 : 116 + 8;
constexpr std::size_t kSiginfoBytes = 128;
// resume_context() of 386 writes below SP: there must be memory.
constexpr std::uint64_t kLowestSp = sizeof(void*) == 8 ? 0 : 4096;

const unsigned char* state_of(const ucontext_t* uc) {
  return reinterpret_cast<const unsigned char*>(uc->uc_mcontext.fpregs) + kFxsave;
}

SoftwareBytes software_bytes(const unsigned char* state) {
  SoftwareBytes sw;
  raw_copy(&sw, state + SoftwareBytes::kOffset, sizeof sw);
  return sw;
}

// XSAVE's standard form, with the kernel's magic at both ends.
bool is_whole(const unsigned char* state, const SoftwareBytes& sw) {
  if (sw.magic != SoftwareBytes::kMagic || sw.xstate_size < kLegacy + kHeader) return false;
  if (sw.extended_size != kFxsave + sw.xstate_size + sizeof(std::uint32_t)) return false;
  std::uint64_t form = 0;  // the header's words behind the first: in the standard form all are 0
  for (std::size_t at = 8; at < kHeader; at += 8)
    form |= raw_load<std::uint64_t>(state, kLegacy + at);
  return form == 0 && raw_load<std::uint32_t>(state, sw.xstate_size) == SoftwareBytes::kEndMagic;
}

// The place of each component of the processor's state in the standard form; size 0: no such
// component.
struct Component {
  std::uint32_t offset = 0, size = 0;
};
struct Components {
  Component at[kComponents];
  Components() {
    for (unsigned i = kFirstExtended; i < kComponents; i++) {
      std::uint32_t c = 0, d = 0;
      if (__get_cpuid_count(0xd, i, &at[i].size, &at[i].offset, &c, &d) == 0) at[i] = Component{};
    }
  }
};
const Components components;  // made before any signal

// The first byte at `from` or behind it that belongs to a component of `xfeatures`; `size` if there
// is none. `*end`: where that component ends.
std::size_t next_component(std::uint64_t xfeatures, std::size_t from, std::size_t size,
                           std::size_t* end) {
  std::size_t found = size;
  *end = size;
  for (unsigned i = kFirstExtended; i < kComponents; i++) {
    const Component& c = components.at[i];
    if ((xfeatures >> i & 1) == 0 || c.size == 0 || c.offset + c.size <= from || c.offset >= found)
      continue;
    found = c.offset < from ? from : c.offset;
    *end = c.offset + c.size;
  }
  return found;
}

}  // namespace

bool can_resume(const ucontext_t* uc) {
  if (uc->uc_mcontext.fpregs == nullptr) return false;
  if ((context_register(uc, REG_EFL) & kTrapFlag) != 0 || context_sp(uc) <= kLowestSp) return false;
  const unsigned char* state = state_of(uc);
  return as_address(state) % kStateAlignment == 0 && is_whole(state, software_bytes(state));
}

void overwrite_gaps(ucontext_t* uc, const siginfo_t* info, std::uint64_t end) {
  if (uc->uc_mcontext.fpregs == nullptr) return;
  const unsigned char* state = state_of(uc);
  const SoftwareBytes sw = software_bytes(state);
  if (!is_whole(state, sw)) return;
  const std::uint64_t context_end = as_address(uc) + kContextBytes;
  const std::uint64_t info_end = as_address(info) + kSiginfoBytes;
  const std::uint64_t front_end = context_end > info_end ? context_end : info_end;
  const std::uint64_t start = as_address(state),
                      back = start + sw.xstate_size + sizeof(std::uint32_t);
  if (front_end > start - kFxsave || back > end) return;
#if defined(__x86_64__)  // words that the kernel keeps for itself and does not write
  const std::uint64_t reserved = as_address(&uc->uc_mcontext.__reserved1);
  raw_paint(reserved, reserved + sizeof uc->uc_mcontext.__reserved1);
#endif
  raw_paint(front_end, start - kFxsave);
  raw_paint(start + kUnusedLegacy, start + SoftwareBytes::kOffset);
  for (std::size_t at = kLegacy + kHeader, component_end = 0; at < sw.xstate_size;
       at = component_end) {
    const std::size_t component = next_component(sw.xfeatures, at, sw.xstate_size, &component_end);
    raw_paint(start + at, start + component);
  }
  raw_paint(back, end);
}

#else

// qemu's frames go back by sigreturn: nothing promises their form.
bool can_resume(const ucontext_t*) {
  return false;
}
void overwrite_gaps(ucontext_t*, const siginfo_t*, std::uint64_t) {}

#endif

}  // namespace sigsweep::trap
