// One-shot breakpoints and single steps: the SIGTRAP handler. Built without instrumentation.
#include "stress/runner/inject/breakpoint.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "stress/runner/inject/arch.h"
#include "stress/runner/inject/frame.h"
#include "stress/runner/inject/hwbreak.h"
#include "stress/runner/inject/raw_memory.h"

namespace sigsweep::inject {
namespace {

using KernelMask = std::uint64_t;
constexpr std::uint64_t kPage = 4096;  // bytes; of an ISA whose code is not watched

struct Break {
  std::uint64_t pc = 0;
  std::uint32_t passes_left = 0;  // 0: not armed
  bool suspended = false;         // not in the code, and passes are not counted
  std::uint64_t behind = 0;       // pc is its gate: this is where it goes from there; 0: nowhere
};

Break breaks[kMaxBreaks];
unsigned used = 0;                   // breaks at this index and above are not armed
unsigned armed = 0;                  // how many
std::uint64_t text_begin, text_end;  // whole pages
std::uint64_t code_begin, code_end;  // of them, what is injectable
std::vector<Region> code_constants;  // in there
unsigned char* writable;             // the second mapping of [text_begin, text_end)
std::uint64_t passing =
    0;  // the pc whose breakpoint is out while it is stepped over, to go in again
bool stepping = false;
TrapWanted wanted;
// What SIGTRAP is installed for.
struct Installed {
  bool own = false, masking = true;
  bool operator==(const Installed&) const = default;
} installed;
TrapClient* client;
std::vector<unsigned char> pristine;  // the code as it was before any patch
// Where there is no trap flag: every instruction is patched but the one at `open` (0: none is
// open).
bool all_patched = false;
std::uint64_t open = 0;

BreakCode* patch_cell(std::uint64_t pc) {
  return reinterpret_cast<BreakCode*>(writable + (pc - text_begin));
}

BreakCode original_of(std::uint64_t pc) {
  return raw_load<BreakCode>(pristine.data(), static_cast<std::size_t>(pc - text_begin));
}

// Where the processor does not look for changes of the code by itself, and an emulator sees only
// those of pages that it knows as writable.
void code_changed([[maybe_unused]] std::uint64_t begin, [[maybe_unused]] std::uint64_t end) {
  if constexpr (!kCodeIsWatched) {
    const std::uint64_t page = begin & ~(kPage - 1);
    const auto size = static_cast<std::size_t>(((end + kPage - 1) & ~(kPage - 1)) - page);
    mprotect(as_pointer<void>(page), size, PROT_READ | PROT_WRITE);
    mprotect(as_pointer<void>(page), size, PROT_READ | PROT_EXEC);
    __builtin___clear_cache(as_pointer<char>(begin), as_pointer<char>(end));
  }
}

// Volatile: each write is one store, seen by the instruction fetch of this thread at the next trap
// or call.
void poke(std::uint64_t pc, BreakCode code) {
  *const_cast<volatile BreakCode*>(patch_cell(pc)) = code;
  code_changed(pc, pc + sizeof code);
}

int armed_at(std::uint64_t pc) {
  for (unsigned i = 0; i < used; i++) {
    if (breaks[i].passes_left != 0 && !breaks[i].suspended && breaks[i].pc == pc) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool install_trap(Installed how) {
  installed = how;
  // Static: what is on this stack a sanitizer may hold for poisoned, and its sigfillset would look.
  static struct sigaction sa;
  sa.sa_sigaction = trap_entry;
  // SA_NODEFER: a breakpoint in a handler that was entered from a breakpoint must trap, not kill.
  sa.sa_flags = SA_SIGINFO | (how.own ? 0 : SA_ONSTACK) | SA_RESTART | SA_NODEFER;
  sigemptyset(&sa.sa_mask);
  if (how.masking) sigfillset(&sa.sa_mask);
  for (int s : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU}) sigdelset(&sa.sa_mask, s);
  return sigaction(SIGTRAP, &sa, nullptr) == 0;
}

// The next trap may be one that is handed on, or it can only be one that passes by.
bool next_is_handed_on() {
  for (unsigned i = 0; i < used; i++) {
    const Break& b = breaks[i];
    if (b.passes_left == 1 && !b.suspended && b.behind == 0) return true;
  }
  return false;
}

void place_trap() {
  Installed how{installed.own, wanted.masking};
  if (wanted.own_handed_on == wanted.own_passing) {
    how.own = wanted.own_passing;
  } else if (armed > 0) {  // else as it is, until one is armed
    how.own = next_is_handed_on() ? wanted.own_handed_on : wanted.own_passing;
  }
  if (how != installed) install_trap(how);
}

// REQUIRES: the break is not armed.
void put_in(unsigned index, const Break& b) {
  breaks[index] = b;
  poke(b.pc, kBreakCode);
}

// Its trap has just come for the last time. Whether that is its hit: else it was its gate's.
bool is_hit(unsigned index) {
  Break& b = breaks[index];
  if (b.behind == 0) {
    armed--;
    return true;
  }
  put_in(index, Break{.pc = b.behind, .passes_left = 1});
  return false;
}

// ---- steps

[[maybe_unused]] void patch_all_but(std::uint64_t pc) {
  if (!all_patched) {
    for (std::uint64_t at = code_begin; at < code_end; at += sizeof(BreakCode)) {
      *const_cast<volatile BreakCode*>(patch_cell(at)) = kBreakCode;
    }
    for (const Region& r : code_constants) {
      const std::uint64_t offset = as_address(r.at) - text_begin;
      raw_copy(writable + offset, pristine.data() + offset, r.size);
    }
    all_patched = true;
    code_changed(text_begin, text_end);
  } else if (open != 0) {
    poke(open, kBreakCode);
  }
  open = pc >= code_begin && pc < code_end ? pc : 0;
  if (open != 0) poke(open, original_of(open));
}

void patch_armed_only() {
  if (!all_patched) return;
  std::copy(pristine.begin(), pristine.end(), writable);
  all_patched = false;
  open = 0;
  for (unsigned i = 0; i < used; i++) {
    const Break& b = breaks[i];
    if (b.passes_left != 0 && !b.suspended && b.pc != passing) *patch_cell(b.pc) = kBreakCode;
  }
  code_changed(text_begin, text_end);
}

// A trap behind the next instruction, or none.
void set_step(ucontext_t* uc, bool on) {
  if constexpr (kHasTrapFlag) {
    set_trap_flag(uc, on);
  } else if (on) {
    patch_all_but(context_pc(uc));
  } else {
    patch_armed_only();
  }
}

// Whether nothing else is to be done before the code goes on.
bool on_breakpoint(std::uint64_t pc, ucontext_t* uc) {
  poke(pc, original_of(pc));
  set_context_pc(uc, pc);
  int hit = -1;
  for (unsigned i = 0; i < used; i++) {
    if (breaks[i].passes_left == 0 || breaks[i].suspended || breaks[i].pc != pc) continue;
    if (--breaks[i].passes_left == 0 && is_hit(i)) hit = static_cast<int>(i);
  }
  const bool again = armed_at(pc) >= 0;
  if (again) {  // wanted again at a later pass: step over, then put it back
    passing = pc;
    set_step(uc, true);
  } else {
    place_trap();
  }
  if (hit >= 0) client->on_break(static_cast<unsigned>(hit), uc);
  return !again && !stepping;
}

// Behind the instruction that was stepped over its breakpoint goes in again.
void end_passing() {
  if (armed_at(passing) >= 0) poke(passing, kBreakCode);
  passing = 0;
  place_trap();
}

void on_step_trap(ucontext_t* uc) {
  if (passing != 0) end_passing();
  if (stepping) stepping = client->on_step(uc);
  set_step(uc, stepping);
}

// A signal may destroy whatever lies below the red zone, and which part of it a frame hits is the
// machine's affair: so all of it is destroyed. Where the trap's own frame lies there, too, what the
// kernel left of that is.
void destroy_unused(ucontext_t* uc, const siginfo_t* info) {
  const std::uint64_t sp = context_sp(uc), end = sp - wanted.red_zone;
  if (wanted.paint->overwrite(sp, end)) overwrite_gaps(uc, info, end);
}

void take_trap(siginfo_t* info, ucontext_t* uc) {
  if (const int hit = take_hwbreak(info, uc); hit != kNoHwBreak) {
    if (hit >= 0) client->on_break(static_cast<unsigned>(hit), uc);
    return;
  }
  const std::uint64_t pc = context_pc(uc) - kBreakAdvance;
  // A step that is a patch ends where a breakpoint may stand in its own right.
  if (!kHasTrapFlag && passing != 0 && !stepping) {
    end_passing();
    patch_armed_only();
  }
  // A trap-flag trap may end right behind a breakpoint's address; then the byte before pc is no
  // break.
  if (armed > 0 && pc >= text_begin && pc < text_end && armed_at(pc) >= 0 && passing != pc &&
      *patch_cell(pc) == kBreakCode) {
    const sigset_t* mask = &uc->uc_sigmask;
    const auto before = raw_load<KernelMask>(mask, 0);
    const bool goes_on = on_breakpoint(pc, uc) && !installed.masking;
    // A handler may ask for another mask in its frame: only the kernel can set it.
    if constexpr (kResumesByHand) {
      if (goes_on && can_resume(uc) && raw_load<KernelMask>(mask, 0) == before) resume_context(uc);
    }
  } else {
    on_step_trap(uc);
  }
}

std::string failed(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

// Paints first of all, and with a small frame: what is called afterwards may leave gaps of its own.
extern "C" void trap_taken(int, siginfo_t* info, void* context) {
  auto* uc = static_cast<ucontext_t*>(context);
  if (wanted.paint != nullptr) destroy_unused(uc, info);
  take_trap(info, uc);
}

std::string attach(Region code, std::vector<Region> constants, TrapClient* trap_client) {
  client = trap_client;
  code_constants = std::move(constants);
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const auto begin = as_address(code.at);
  code_begin = begin;
  code_end = begin + code.size;
  text_begin = begin / page * page;
  text_end = (begin + code.size + page - 1) / page * page;
  const std::size_t size = static_cast<std::size_t>(text_end - text_begin);
  const int fd = memfd_create("sigsweep-text", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0) return failed("memfd for the text");
  void* second = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (second == MAP_FAILED) return failed("second mapping of the text");
  void* first = as_pointer<void>(text_begin);
  std::memcpy(second, first, size);
  const auto* bytes = static_cast<const unsigned char*>(first);
  pristine.assign(bytes, bytes + size);
  if (mmap(first, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    return failed("mapping of the text");
  }
  close(fd);
  writable = static_cast<unsigned char*>(second);
  return install_trap(Installed{}) ? std::string() : failed("SIGTRAP handler");
}

TrapClient* set_client(TrapClient* trap_client) {
  return std::exchange(client, trap_client);
}

void want_traps(TrapWanted traps) {
  wanted = traps;
  place_trap();
}

bool is_armed(unsigned index) {
  return index < used && breaks[index].passes_left != 0;
}

void arm(unsigned index, std::uint64_t pc, std::uint32_t nth, std::uint64_t gate) {
  if (is_armed(index)) __builtin_trap();  // its patch would stand for ever
  used = index < used ? used : index + 1;
  armed++;
  if (gate != 0 && nth > 1) {
    put_in(index, Break{.pc = gate, .passes_left = 1, .behind = pc});
  } else {
    put_in(index, Break{.pc = pc, .passes_left = nth});
  }
  place_trap();
}

void suspend(unsigned index) {
  Break& b = breaks[index];
  if (index >= used || b.passes_left == 0 || b.suspended) return;
  b.suspended = true;
  if (armed_at(b.pc) < 0) poke(b.pc, original_of(b.pc));  // nobody else wants it
}

void resume(unsigned index) {
  Break& b = breaks[index];
  if (index >= used || b.passes_left == 0 || !b.suspended) return;
  b.suspended = false;
  if (passing != b.pc) poke(b.pc, kBreakCode);  // else it goes in behind the step under way
  place_trap();
}

std::uint32_t suspend_all() {
  static_assert(kMaxBreaks <= 32);
  std::uint32_t suspended = 0;
  for (unsigned i = 0; i < used; i++) {
    if (breaks[i].passes_left == 0 || breaks[i].suspended) continue;
    suspend(i);
    suspended |= std::uint32_t{1} << i;
  }
  return suspended;
}

void resume_all(std::uint32_t suspended) {
  for (unsigned i = 0; i < used; i++) {
    if ((suspended >> i & 1) != 0) resume(i);
  }
}

bool is_pristine() {
  const auto* text = as_pointer<const unsigned char>(text_begin);
  return std::equal(pristine.begin(), pristine.end(), text);
}

void make_pristine() {
  if (is_pristine()) return;
  std::copy(pristine.begin(), pristine.end(), writable);
  code_changed(text_begin, text_end);
}

void disarm_all() {
  if (armed > 0) {
    for (unsigned i = 0; i < used; i++) {
      if (breaks[i].passes_left != 0) poke(breaks[i].pc, original_of(breaks[i].pc));
      breaks[i].passes_left = 0;
    }
    armed = 0;
  }
  used = 0;
  passing = 0;
  stepping = false;
  patch_armed_only();
}

void start_stepping(ucontext_t* uc) {
  stepping = true;
  set_step(uc, true);
}

void resume_stepping() {
  if constexpr (kHasTrapFlag) {
    stepping = true;
    raise_trap_flag();
  }
}

void stop_stepping() {
  if constexpr (kHasTrapFlag) stepping = false;
}

bool is_undelivered_trap(const ucontext_t* uc) {
  return armed > 0 && armed_at(context_pc(uc) - kBreakAdvance) >= 0;
}

}  // namespace sigsweep::inject
