// One-shot breakpoints and single steps: the SIGTRAP handler. Built without instrumentation.
#include "stress/runner/inject/breakpoint.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "stress/runner/inject/arch.h"

namespace sigsweep::inject {
namespace {

struct Break {
  std::uint64_t pc = 0;
  std::uint32_t passes_left = 0;  // 0: not armed
};

Break breaks[kMaxBreaks];
unsigned used = 0;   // breaks at this index and above are not armed
unsigned armed = 0;  // how many
std::uint64_t text_begin, text_end;
unsigned char* writable;  // the second mapping of [text_begin, text_end)
std::uint64_t passing =
    0;  // the pc whose breakpoint is out while it is stepped over, to go in again
bool stepping = false;
TrapClient* client;
BreakCode originals[kMaxBreaks];

BreakCode* patch_cell(std::uint64_t pc) {
  return reinterpret_cast<BreakCode*>(writable + (pc - text_begin));
}

// Volatile: each write is one store, seen by the instruction fetch of this thread at the next trap
// or call.
void poke(std::uint64_t pc, BreakCode code) {
  *const_cast<volatile BreakCode*>(patch_cell(pc)) = code;
}

int armed_at(std::uint64_t pc) {
  for (unsigned i = 0; i < used; i++) {
    if (breaks[i].passes_left != 0 && breaks[i].pc == pc) return static_cast<int>(i);
  }
  return -1;
}

void on_breakpoint(std::uint64_t pc, ucontext_t* uc) {
  poke(pc, originals[static_cast<unsigned>(armed_at(pc))]);
  set_context_pc(uc, pc);
  int hit = -1;
  for (unsigned i = 0; i < used; i++) {
    if (breaks[i].passes_left == 0 || breaks[i].pc != pc) continue;
    if (--breaks[i].passes_left == 0) {
      armed--;
      hit = static_cast<int>(i);
    }
  }
  if (armed_at(pc) >= 0) {  // wanted again at a later pass: step over, then put it back
    passing = pc;
    set_trap_flag(uc, true);
  }
  if (hit >= 0) client->on_break(static_cast<unsigned>(hit), uc);
}

void on_trap_flag(ucontext_t* uc) {
  if (passing != 0) {
    if (armed_at(passing) >= 0) poke(passing, kBreakCode);
    passing = 0;
  }
  if (stepping) stepping = client->on_step(uc);
  set_trap_flag(uc, stepping);
}

void on_sigtrap(int, siginfo_t*, void* context) {
  auto* uc = static_cast<ucontext_t*>(context);
  const std::uint64_t pc = context_pc(uc) - kBreakAdvance;
  // A trap-flag trap may end right behind a breakpoint's address; then the byte before pc is no
  // break.
  if (armed > 0 && pc >= text_begin && pc < text_end && armed_at(pc) >= 0 && passing != pc &&
      *patch_cell(pc) == kBreakCode) {
    on_breakpoint(pc, uc);
  } else {
    on_trap_flag(uc);
  }
}

std::string failed(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

std::string attach(Region code, TrapClient* trap_client) {
  client = trap_client;
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uint64_t>(code.at);
  text_begin = begin / page * page;
  text_end = (begin + code.size + page - 1) / page * page;
  const std::size_t size = static_cast<std::size_t>(text_end - text_begin);
  const int fd = memfd_create("sigsweep-text", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) return failed("memfd for the text");
  void* second = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (second == MAP_FAILED) return failed("second mapping of the text");
  void* first = reinterpret_cast<void*>(text_begin);
  std::memcpy(second, first, size);
  if (mmap(first, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    return failed("mapping of the text");
  }
  close(fd);
  writable = static_cast<unsigned char*>(second);

  struct sigaction sa {};
  sa.sa_sigaction = on_sigtrap;
  // SA_NODEFER: a breakpoint in a handler that was entered from a breakpoint must trap, not kill.
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER;
  sigfillset(&sa.sa_mask);
  for (int s : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU}) sigdelset(&sa.sa_mask, s);
  if (sigaction(SIGTRAP, &sa, nullptr) != 0) return failed("SIGTRAP handler");
  return {};
}

void arm(unsigned index, std::uint64_t pc, std::uint32_t nth) {
  const int same = armed_at(pc);
  originals[index] = same >= 0 ? originals[same] : *patch_cell(pc);
  breaks[index] = Break{pc, nth};
  used = index < used ? used : index + 1;
  armed++;
  poke(pc, kBreakCode);
}

void disarm_all() {
  if (armed > 0) {
    for (unsigned i = 0; i < used; i++) {
      if (breaks[i].passes_left != 0) poke(breaks[i].pc, originals[i]);
      breaks[i].passes_left = 0;
    }
    armed = 0;
  }
  used = 0;
  passing = 0;
  stepping = false;
}

void start_stepping(ucontext_t* uc) {
  stepping = true;
  set_trap_flag(uc, true);
}

bool is_patched(std::uint64_t pc) {
  return armed > 0 && armed_at(pc) >= 0;
}

}  // namespace sigsweep::inject
