// One-shot breakpoints and single steps: the SIGTRAP handler. Built without instrumentation.
#include "stress/trap/breakpoint.h"

#include <errno.h>
#include <signal.h>

#include <cstring>
#include <utility>
#include <vector>

#include "stress/base/mask.h"
#include "stress/base/raw_memory.h"
#include "stress/trap/arch.h"
#include "stress/trap/frame.h"
#include "stress/trap/hwbreak.h"
#include "stress/trap/patched_text.h"

namespace sigsweep::trap {
namespace {

using KernelMask = std::uint64_t;

struct Break {
  std::uint64_t pc = 0;
  std::uint32_t passes_left = 0;  // 0: not armed
  bool suspended = false;         // out of the code, and does not count passes
  std::uint64_t behind = 0;       // if not 0, pc is its gate, and it moves from there to this pc
};

Break breaks[kMaxBreaks];
unsigned used = 0;                   // breaks at this index and above are not armed
unsigned armed = 0;                  // how many
CodeRanges code;                     // the injectable code
std::vector<Region> code_constants;  // in there
PatchedText text;                    // the pages of the code
// The pc whose breakpoint is out during a step over it, and goes in again afterwards.
std::uint64_t passing = 0;
bool stepping = false;
TrapWanted wanted;
// The way in which SIGTRAP is installed.
struct Installed {
  bool own = false, masking = true;
  bool operator==(const Installed&) const = default;
} installed;
TrapClient* client;
// Without a trap flag: every instruction is patched except the one at `open` (0: no exception).
bool all_patched = false;
std::uint64_t open = 0;

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
  // Static: a sanitizer may hold this stack for poisoned, and its sigfillset would look.
  static struct sigaction sa;
  sa.sa_sigaction = trap_entry;
  // SA_NODEFER: a breakpoint in a handler that was entered from a breakpoint must trap, not kill.
  sa.sa_flags = SA_SIGINFO | (how.own ? 0 : SA_ONSTACK) | SA_RESTART | SA_NODEFER;
  sigemptyset(&sa.sa_mask);
  if (how.masking) block_all_it_may(&sa.sa_mask);
  return sigaction(SIGTRAP, &sa, nullptr) == 0;
}

// The next trap may be handed on; else it can only be one that passes by.
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
  } else if (armed > 0) {  // without an armed one, as it is
    how.own = next_is_handed_on() ? wanted.own_handed_on : wanted.own_passing;
  } else if (is_any_hwbreak_armed()) {  // its passes are not told apart
    how.own = wanted.own_handed_on;
  }
  if (how != installed) install_trap(how);
}

// REQUIRES: the break is not armed.
void put_in(unsigned index, const Break& b) {
  breaks[index] = b;
  text.poke(b.pc, kBreakCode);
}

// Its trap has just come for the last time. True: this was its hit. False: its gate's.
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
    for (const CodeRanges::Range& r : code) text.stage_breaks(r.begin, r.end);
    for (const Region& r : code_constants) {
      text.stage_original(as_address(r.at), as_address(r.at) + r.size);
    }
    all_patched = true;
    text.publish();
  } else if (open != 0) {
    text.poke(open, kBreakCode);
  }
  open = code.contains(pc) ? pc : 0;
  if (open != 0) text.restore(open);
}

void patch_armed_only() {
  if (!all_patched) return;
  text.stage_all_original();
  all_patched = false;
  open = 0;
  for (unsigned i = 0; i < used; i++) {
    const Break& b = breaks[i];
    if (b.passes_left != 0 && !b.suspended && b.pc != passing) text.stage(b.pc, kBreakCode);
  }
  text.publish();
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

// Returns whether the code can go on without further work.
bool on_breakpoint(std::uint64_t pc, ucontext_t* uc) {
  text.restore(pc);
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

// After the instruction that was stepped over, its breakpoint goes in again.
void end_passing() {
  if (armed_at(passing) >= 0) text.poke(passing, kBreakCode);
  passing = 0;
  place_trap();
}

void on_step_trap(ucontext_t* uc) {
  if (passing != 0) end_passing();
  if (stepping) stepping = client->on_step(uc);
  set_step(uc, stepping);
}

// A signal may destroy everything below the red zone. The machine decides which part a frame hits,
// so all of it is destroyed here. If the trap's own frame lies there, too, this destroys its gaps.
void destroy_unused(ucontext_t* uc, const siginfo_t* info) {
  const std::uint64_t sp = context_sp(uc), end = sp - wanted.red_zone;
  wanted.paint->forget_poison_below(as_address(uc));
  if (wanted.paint->overwrite(sp, end)) overwrite_gaps(uc, info, end);
}

// resume_context() of 386 writes below SP. In a stack these bytes belong to whatever signal comes;
// elsewhere they may belong to the interrupted code.
bool may_write_below(std::uint64_t sp) {
  return !kResumeWritesBelow || wanted.paint == nullptr || wanted.paint->is_in_stack(sp);
}

void take_trap(siginfo_t* info, ucontext_t* uc) {
  if (const int hit = take_hwbreak(info, uc); hit != kNoHwBreak) {
    if (hit >= 0) client->on_break(static_cast<unsigned>(hit), uc);
    return;
  }
  const std::uint64_t pc = context_pc(uc) - kBreakAdvance;
  // A step made of a patch may end at a breakpoint of its own.
  if (!kHasTrapFlag && passing != 0 && !stepping) {
    end_passing();
    patch_armed_only();
  }
  // A trap-flag trap may end right behind a breakpoint's address. Then the byte before pc is no
  // break.
  if (armed > 0 && armed_at(pc) >= 0 && passing != pc && text.at(pc) == kBreakCode) {
    const sigset_t* mask = &uc->uc_sigmask;
    const auto before = raw_load<KernelMask>(mask, 0);
    const bool goes_on = on_breakpoint(pc, uc) && !installed.masking;
    // A handler may ask for another mask in its frame: only the kernel can set it.
    if constexpr (kResumesByHand) {
      if (goes_on && can_resume(uc) && may_write_below(context_sp(uc)) &&
          raw_load<KernelMask>(mask, 0) == before) {
        resume_context(uc);
      }
    }
  } else {
    on_step_trap(uc);
  }
}

}  // namespace

// Paints before all else, and with a small frame: functions called later may leave gaps of their
// own.
extern "C" void trap_taken(int, siginfo_t* info, void* context) {
  auto* uc = static_cast<ucontext_t*>(context);
  if (wanted.paint != nullptr) destroy_unused(uc, info);
  take_trap(info, uc);
}

std::string attach(CodeRanges ranges, std::vector<Region> constants, TrapClient* trap_client) {
  client = trap_client;
  code = std::move(ranges);
  code_constants = std::move(constants);
  std::string problem = text.attach(code);
  if (problem.empty() && !install_trap(Installed{})) {
    problem = std::string("SIGTRAP handler: ") + std::strerror(errno);
  }
  return problem;
}

TrapClient* set_client(TrapClient* trap_client) {
  return std::exchange(client, trap_client);
}

void want_traps(TrapWanted traps) {
  wanted = traps;
  place_trap();
}

void hwbreaks_changed() {
  place_trap();
}

bool is_armed(unsigned index) {
  return index < used && breaks[index].passes_left != 0;
}

void arm(unsigned index, std::uint64_t pc, std::uint32_t nth, std::uint64_t gate) {
  if (is_armed(index)) __builtin_trap();  // its patch would stay for ever
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
  if (armed_at(b.pc) < 0) text.restore(b.pc);  // no other break wants it
}

void resume(unsigned index) {
  Break& b = breaks[index];
  if (index >= used || b.passes_left == 0 || !b.suspended) return;
  b.suspended = false;
  if (passing != b.pc) text.poke(b.pc, kBreakCode);  // else end_passing() puts it in
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
  return text.is_pristine();
}

std::uint64_t first_patch() {
  return text.first_patch();
}

void make_pristine() {
  if (is_pristine()) return;
  text.stage_all_original();
  text.publish();
}

void disarm_all() {
  if (armed > 0) {
    for (unsigned i = 0; i < used; i++) {
      if (breaks[i].passes_left != 0) text.restore(breaks[i].pc);
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

}  // namespace sigsweep::trap
