// Frames made by hand, and given back by hand.
#include "stress/runner/selfcheck.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stress/base/forked.h"
#include "stress/base/raw_memory.h"
#include "stress/trap/arch.h"
#include "stress/trap/frame.h"

namespace sigsweep {
namespace {

#if defined(__x86_64__) || defined(__i386__)

using trap::SoftwareBytes;

constexpr std::size_t kAlignment = 64, kLegacy = 512, kHeader = 64;  // bytes
constexpr std::size_t kMxcsr = 24;                                   // in the legacy part
constexpr std::uint64_t kX87AndSse = 3, kAvx = 4;
constexpr std::uint32_t kRoundDown = 0x3f80;  // no process starts with this MXCSR

// The difference between the frame made by hand and the kernel's.
struct Form {
  std::size_t state_bytes = kLegacy + kHeader;
  // Components, beside x87 and SSE, that the header names though the frame lacks them.
  std::uint64_t claims = kAvx;
  std::uint32_t magic = SoftwareBytes::kMagic, end_magic = SoftwareBytes::kEndMagic;
  std::uint64_t compacted = 0;
  std::size_t shift = 0;  // bytes from the aligned address
};
Form form;
enum class Outcome : int { no_xsave = 10, refused = 11, lost = 12 };

// Memory that ends at a page's end; the next page is not mapped.
unsigned char* memory_with_end(std::size_t size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t whole = (size + page - 1) / page * page;
  void* p = mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  auto* end = static_cast<unsigned char*>(p) + whole;
  return mprotect(end, page, PROT_NONE) == 0 ? end : nullptr;
}

// The processor's state of the kernel's frame, in the wanted form, as near as possible to the end
// of its memory.
unsigned char* state_by_hand(const unsigned char* kernels) {
  const std::size_t size = form.state_bytes + sizeof(std::uint32_t);
  const std::size_t room = (size + kAlignment - 1) / kAlignment * kAlignment;
  unsigned char* end = memory_with_end(room + kAlignment + trap::kFxsave);
  if (end == nullptr) return nullptr;
  unsigned char* state = end - room - form.shift;
  raw_copy(state, kernels, kLegacy + kHeader);
  SoftwareBytes sw{};
  sw.magic = form.magic;
  sw.extended_size = static_cast<std::uint32_t>(trap::kFxsave + size);
  sw.xfeatures = kX87AndSse;
  sw.xstate_size = static_cast<std::uint32_t>(form.state_bytes);
  raw_copy(state + SoftwareBytes::kOffset, &sw, sizeof sw);
  raw_store<std::uint32_t>(state, kMxcsr, kRoundDown);
  raw_store<std::uint64_t>(state, kLegacy,
                           raw_load<std::uint64_t>(state, kLegacy) | kX87AndSse | form.claims);
  raw_store<std::uint64_t>(state, kLegacy + 8, form.compacted);
  raw_store<std::uint32_t>(state, form.state_bytes, form.end_magic);
  return state;
}

void give_back(int, siginfo_t*, void* context) {
  static ucontext_t uc;
  raw_copy(&uc, context, sizeof uc);
  if (!trap::can_resume(&uc)) _exit(static_cast<int>(Outcome::no_xsave));
  const auto* kernels =
      reinterpret_cast<const unsigned char*>(uc.uc_mcontext.fpregs) + trap::kFxsave;
  unsigned char* state = state_by_hand(kernels);
  if (state == nullptr) _exit(3);
  uc.uc_mcontext.fpregs = reinterpret_cast<decltype(uc.uc_mcontext.fpregs)>(state - trap::kFxsave);
  if (!trap::can_resume(&uc)) _exit(static_cast<int>(Outcome::refused));
  trap::resume_context(&uc);
}

void raise_and_look() {
  struct sigaction sa {};
  sa.sa_sigaction = give_back;
  sa.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &sa, nullptr);
  raise(SIGUSR1);
  std::uint32_t mxcsr = 0;
  asm volatile("stmxcsr %0" : "=m"(mxcsr));
  if ((mxcsr | 0x3f) != (kRoundDown | 0x3f)) _exit(static_cast<int>(Outcome::lost));
}

// Empty if a frame of that form goes back by hand, whole, or is refused, as expected. A machine
// without XSAVE gives every frame back by sigreturn: then there is nothing to check.
std::string give_back_problem(const Form& wanted, bool refused) {
  form = wanted;
  const Forked child = run_in_child(raise_and_look);
  const int expected = refused ? static_cast<int>(Outcome::refused) : kCameBack;
  if (child.exit_status == expected || child.exit_status == static_cast<int>(Outcome::no_xsave))
    return {};
  if (child.signal != 0)
    return "giving it back by hand ended in signal " + std::to_string(child.signal);
  if (child.exit_status == static_cast<int>(Outcome::refused))
    return "it was not given back by hand";
  if (child.exit_status == static_cast<int>(Outcome::lost))
    return "MXCSR was not the frame's afterwards";
  return refused ? "it was given back by hand"
                 : "the child ended with status " + std::to_string(child.exit_status);
}

constexpr SelfCheck kChecks[] = {
    {"a frame that holds x87 and SSE alone, where a page ends",
     [] { return give_back_problem(Form{}, false); }},
    {"a frame with 8 KiB of padding, as AMX makes it",
     [] { return give_back_problem(Form{.state_bytes = 11 * 1024}, false); }},
    {"a frame without the kernel's magic goes back by sigreturn",
     [] { return give_back_problem(Form{.magic = 0}, true); }},
    {"a frame without the magic at its end goes back by sigreturn",
     [] { return give_back_problem(Form{.end_magic = 0}, true); }},
    {"a frame in the compacted form goes back by sigreturn",
     [] { return give_back_problem(Form{.compacted = std::uint64_t{1} << 63}, true); }},
    {"a frame whose state is not aligned goes back by sigreturn",
     [] { return give_back_problem(Form{.shift = 16}, true); }},
    {nullptr, nullptr},
};

#else

constexpr SelfCheck kChecks[] = {{nullptr, nullptr}};  // every frame goes back by sigreturn

#endif

}  // namespace

const SelfCheck* selfchecks() {
  return kChecks;
}

}  // namespace sigsweep
