#include "stress/host/mutants/control_flow.h"

#include <algorithm>
#include <map>

namespace sigsweep {
namespace {

// What a caller may read when a call has returned, and what it relies on: kept registers and the
// result's. All others are scratch: the ABI gives them to the callee.
bool is_scratch_at_return(const ProgramCode& program, const std::string& reg) {
  static const std::set<std::string> kX86 = {"rcx", "rsi", "rdi", "r8",
                                             "r9",  "r10", "r11", "flags"};
  static const std::set<std::string> kX86In32 = {"rcx", "flags"};
  static const std::set<std::string> kArm = {"r2", "r3", "ip", "flags"};
  if (program.decoder().is_arm()) return kArm.contains(reg);
  return (program.decoder().word() == 4 ? kX86In32 : kX86).contains(reg);
}

// Functions that are looked at meanwhile count as returning: a circle of calls proves nothing.
bool may_return(const ProgramCode& program, std::uint64_t address, std::set<std::uint64_t>* open);

bool leads_back(const ProgramCode& program, const Decoded& instruction,
                std::set<std::uint64_t>* open) {
  return !instruction.target || may_return(program, *instruction.target, open);
}

bool may_return(const ProgramCode& program, std::uint64_t address, std::set<std::uint64_t>* open) {
  constexpr std::size_t kDeepest = 32;
  const std::string name = program.name_at(address);
  if (name.empty() || open->size() > kDeepest || !open->insert(address).second) return true;
  const ProgramCode::Function function = program.function(name);
  if (function.code.empty() || function.start != address) return true;
  std::map<std::uint64_t, const Decoded*> code;
  for (const Decoded& each : function.code) code[each.offset] = &each;
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> todo = {0};
  while (!todo.empty()) {
    const std::uint64_t offset = todo.back();
    todo.pop_back();
    const auto at = code.find(offset);
    if (at == code.end() || !seen.insert(offset).second) continue;
    const Decoded& each = *at->second;
    if (each.flow == Flow::returns) return true;
    if (each.flow == Flow::trap) continue;
    if (each.flow == Flow::jump) {
      const bool inside = each.target && code.contains(*each.target - function.start);
      if (!inside && leads_back(program, each, open)) return true;
      if (inside) todo.push_back(*each.target - function.start);
      if (!each.conditional) continue;
    }
    if (each.flow == Flow::call && !leads_back(program, each, open) && !each.conditional) continue;
    todo.push_back(each.end());
  }
  return false;
}

}  // namespace

bool may_return(const ProgramCode& program, std::uint64_t address) {
  std::set<std::uint64_t> open;
  return may_return(program, address, &open);
}

ControlFlow::ControlFlow(const ProgramCode& program, const ProgramCode::Function& function,
                         std::set<std::string> unread)
    : program_(program), function_(function), unread_(std::move(unread)) {
  std::vector<std::uint64_t> todo = {0};
  while (!todo.empty()) {
    const std::uint64_t offset = todo.back();
    todo.pop_back();
    const Decoded* instruction = at(offset);
    if (instruction == nullptr || !reached_.insert(offset).second) continue;
    for (const std::uint64_t next : next_of(*instruction).offsets) todo.push_back(next);
  }
}

const Decoded* ControlFlow::at(std::uint64_t offset) const {
  const auto found = std::ranges::find(function_.code, offset, &Decoded::offset);
  return found == function_.code.end() ? nullptr : &*found;
}

bool ControlFlow::calls_what_returns(const Decoded& instruction) const {
  return !instruction.target || may_return(program_, *instruction.target);
}

ControlFlow::Next ControlFlow::next_of(const Decoded& instruction) const {
  Next next;
  const bool goes_on = instruction.conditional || instruction.flow == Flow::next ||
                       (instruction.flow == Flow::call && calls_what_returns(instruction));
  if (goes_on) next.offsets.push_back(instruction.end());
  if (instruction.flow == Flow::returns) next.leaves = true;
  if (instruction.flow == Flow::jump) {
    const std::uint64_t to = instruction.target ? *instruction.target - function_.start : 0;
    if (instruction.target && at(to) != nullptr) {
      next.offsets.push_back(to);
    } else {
      next.leaves = true;
    }
  }
  return next;
}

// A jump to code elsewhere is a call that does not come back here. A callee may read its arguments,
// and each register that a stub's own convention may use. No convention has an argument in the flags.
bool ControlFlow::elsewhere_reads(const Decoded& instruction, const std::string& reg) const {
  if (instruction.flow == Flow::returns) return !is_scratch_at_return(program_, reg);
  return reg != "flags" && !(instruction.flow == Flow::call && unread_.contains(reg));
}

bool ControlFlow::is_read_behind(std::uint64_t offset, const std::string& reg) const {
  const Decoded* from = at(offset);
  if (from == nullptr) return true;
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> todo = next_of(*from).offsets;
  if (next_of(*from).leaves) return true;
  while (!todo.empty()) {
    const std::uint64_t here = todo.back();
    todo.pop_back();
    if (!seen.insert(here).second) continue;
    const Decoded* instruction = at(here);
    if (instruction == nullptr || instruction->reads.contains(reg)) return true;
    const Next next = next_of(*instruction);
    const bool leaves = next.leaves || instruction->flow == Flow::call;
    if (leaves && elsewhere_reads(*instruction, reg)) return true;
    if (instruction->flow == Flow::call && is_scratch_at_return(program_, reg)) continue;
    if (instruction->writes.contains(reg) && !instruction->conditional) continue;
    todo.insert(todo.end(), next.offsets.begin(), next.offsets.end());
  }
  return false;
}

}  // namespace sigsweep
