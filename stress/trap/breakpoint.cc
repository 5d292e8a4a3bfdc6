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
#include "stress/trap/door_frame.h"
#include "stress/trap/doors.h"
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
  bool by_door = false;           // a door stands there, not the breakpoint instruction
};

Break breaks[kMaxBreaks];
unsigned used = 0;                   // breaks at this index and above are not armed
unsigned armed = 0;                  // how many
CodeRanges code;                     // the injectable code
std::vector<Region> code_constants;  // in there
PatchedText text;                    // the pages of the code
Doors doors;                         // in there
bool doors_used = false;             // some stand, perhaps
bool came_by_door = false;           // the breakpoint in hand
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

// Does another break than `but` count passes within the bytes of a door at pc?
[[maybe_unused]] bool is_crowded(std::uint64_t pc, unsigned but) {
  for (unsigned i = 0; i < used; i++) {
    const Break& b = breaks[i];
    if (i == but || b.passes_left == 0 || b.suspended || b.pc == pc) continue;
    if (b.pc - pc < Doors::kJump || (b.by_door && pc - b.pc < Doors::kJump)) return true;
  }
  return false;
}

// No jump may cover pc from here on. The doors that do go, and those that are open become traps.
void keep_doors_from(std::uint64_t pc) {
  doors.clear(pc);
  for (unsigned i = 0; i < used; i++) {
    Break& b = breaks[i];
    if (!b.by_door || pc - b.pc >= Doors::kJump) continue;
    b.by_door = false;
    if (b.passes_left != 0 && !b.suspended) text.poke(b.pc, kBreakCode);
  }
}

// The code goes on at pc: that must not be the middle of a jump, which may have come meanwhile.
void make_way(std::uint64_t pc) {
  if (!doors_used) return;
  for (std::uint64_t at = pc + 1 - Doors::kJump; at < pc; at++) {
    if (doors.stands(at)) keep_doors_from(at);
  }
}

// A patch at a break's pc: a door where one is wanted and can stand.
void put_patch(unsigned index) {
  Break& b = breaks[index];
  if constexpr (kHasDoors) {
    b.by_door = wanted.doors && doors.can_stand(b.pc) && !is_crowded(b.pc, index);
    if (b.by_door) {
      doors_used = true;
      door_frame.pcs[index] = b.pc;
      doors.open(b.pc, door_arrivals[index]);
      return;
    }
    if (doors_used) keep_doors_from(b.pc);
  }
  text.poke(b.pc, kBreakCode);
}

void take_out_patch(std::uint64_t pc) {
  if (doors_used && doors.stands(pc)) {
    doors.shut(pc);
  } else {
    text.restore(pc);
  }
}

void remove_doors() {
  doors.clear_all();
  doors_used = false;
}

// The next trap may be handed on; else it can only be one that passes by.
bool next_is_handed_on() {
  for (unsigned i = 0; i < used; i++) {
    const Break& b = breaks[i];
    if (b.passes_left == 1 && !b.suspended && b.behind == 0) return true;
  }
  return false;
}

// No trap can come: each break that is armed has a door.
bool is_all_by_doors() {
  if (armed == 0 || passing != 0 || stepping || is_any_hwbreak_armed()) return false;
  for (unsigned i = 0; i < used; i++) {
    const Break& b = breaks[i];
    if (b.passes_left != 0 && !b.suspended && !b.by_door) return false;
  }
  return true;
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
  if constexpr (kHasDoors) door_frame.own = how.own ? 1 : 0;
  if (how != installed && !is_all_by_doors()) install_trap(how);
}

// REQUIRES: the break is not armed.
void put_in(unsigned index, const Break& b) {
  breaks[index] = b;
  put_patch(index);
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

// The break that is hit by this pass; -1: none.
int count_pass(std::uint64_t pc) {
  int hit = -1;
  for (unsigned i = 0; i < used; i++) {
    if (breaks[i].passes_left == 0 || breaks[i].suspended || breaks[i].pc != pc) continue;
    if (--breaks[i].passes_left == 0 && is_hit(i)) hit = static_cast<int>(i);
  }
  return hit;
}

// Returns whether the code can go on without further work.
bool on_breakpoint(std::uint64_t pc, ucontext_t* uc) {
  take_out_patch(pc);
  set_context_pc(uc, pc);
  const int hit = count_pass(pc);
  const bool again = armed_at(pc) >= 0;
  if (again) {  // wanted again at a later pass: step over, then put it back
    passing = pc;
    set_step(uc, true);
  } else {
    place_trap();
  }
  came_by_door = false;
  if (hit >= 0) client->on_break(static_cast<unsigned>(hit), uc);
  make_way(context_pc(uc));
  return !again && !stepping;
}

// A break that is wanted again at a later pass is passed by way of the copy.
[[maybe_unused]] void on_door(std::uint64_t pc, ucontext_t* uc) {
  doors.shut(pc);
  const int hit = count_pass(pc);
  place_trap();
  came_by_door = true;
  if (hit >= 0) client->on_break(static_cast<unsigned>(hit), uc);
  make_way(context_pc(uc));
  const int again = armed_at(pc);
  if (again < 0) return;
  put_patch(static_cast<unsigned>(again));
  if (breaks[again].by_door && context_pc(uc) == pc) set_context_pc(uc, doors.copy_of(pc));
}

// After the instruction that was stepped over, its breakpoint goes in again.
void end_passing() {
  if (const int again = armed_at(passing); again >= 0) put_patch(static_cast<unsigned>(again));
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

// By the way that take_trap() goes, too, where the code can go on without the kernel.
void take_door([[maybe_unused]] std::uint32_t index, [[maybe_unused]] ucontext_t* uc) {
  if constexpr (kHasDoors) {
    const sigset_t* mask = &uc->uc_sigmask;
    const auto before = raw_load<KernelMask>(mask, 0);
    on_door(door_frame.pcs[index], uc);
    if (!stepping && can_resume(uc) && raw_load<KernelMask>(mask, 0) == before) door_leave(uc);
  }
}

// Paints before all else, and with a small frame: functions called later may leave gaps of their
// own.
extern "C" void trap_taken(int, siginfo_t* info, void* context) {
  auto* uc = static_cast<ucontext_t*>(context);
  if (wanted.paint != nullptr) destroy_unused(uc, info);
  if constexpr (kHasDoors) {
    const std::uint32_t door = std::exchange(door_frame.index, DoorFrame::kNoArrival);
    if (door != DoorFrame::kNoArrival) {
      take_door(door, uc);
      return;
    }
  }
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
  if constexpr (kHasDoors) {
    if (problem.empty()) problem = doors.attach(code, &text);
    learn_frame();
  }
  return problem;
}

bool is_by_door() {
  return came_by_door;
}

std::uint64_t code_of(std::uint64_t pc) {
  if constexpr (kHasDoors) {
    const bool arrives =
        pc - as_address(&door_arrive) < as_address(&door_arrive_end) - as_address(&door_arrive);
    if (arrives) return door_frame.pcs[door_frame.index % kMostArrivals];
    return doors.original_of(pc);
  }
  return pc;
}

TrapClient* set_client(TrapClient* trap_client) {
  return std::exchange(client, trap_client);
}

void want_traps(const TrapWanted& traps) {
  wanted = traps;
  if (doors_used && !wanted.doors) remove_doors();
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
  if (armed_at(b.pc) < 0) take_out_patch(b.pc);  // no other break wants it
}

void resume(unsigned index) {
  Break& b = breaks[index];
  if (index >= used || b.passes_left == 0 || !b.suspended) return;
  b.suspended = false;
  if (passing != b.pc) put_patch(index);  // else end_passing() puts it in
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

void take_out_doors() {
  if constexpr (kHasDoors) remove_doors();
}

bool is_pristine() {
  return text.is_pristine();
}

std::uint64_t first_patch() {
  return text.first_patch();
}

void make_pristine() {
  doors_used = false;
  if (is_pristine()) return;
  text.stage_all_original();
  text.publish();
}

void disarm_all() {
  door_frame.index = DoorFrame::kNoArrival;  // of one whose frame could not be written
  if (armed > 0) {
    for (unsigned i = 0; i < used; i++) {
      if (breaks[i].passes_left != 0 && !breaks[i].suspended) take_out_patch(breaks[i].pc);
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
  if constexpr (kHasDoors) {
    const std::uint64_t into = context_pc(uc) - as_address(&door_arrive);
    if (into < as_address(&door_arrive_end) - as_address(&door_arrive)) return true;
  }
  return armed > 0 && armed_at(context_pc(uc) - kBreakAdvance) >= 0;
}

}  // namespace sigsweep::trap
