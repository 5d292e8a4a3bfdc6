#include "stress/host/mutants/equivalent.h"

#include <algorithm>
#include <array>
#include <optional>

#include "stress/host/mutants/control_flow.h"
#include "stress/host/mutants/pushed_words.h"

namespace sigsweep {
namespace {

using Function = ProgramCode::Function;

struct Case {
  const ProgramCode& program;
  const Function& function;
  const Mutant& mutant;
  const Unread& unread;
  const ControlFlow flow;
  std::vector<Decoded> before, after;  // its instructions, without what does nothing
};

std::vector<Decoded> decoded(const ProgramCode& program, const Function& function,
                             const Mutant& mutant, const std::string& bytes) {
  auto code = program.decoder().decode(bytes, function.start + mutant.offset);
  std::erase_if(code, [](const Decoded& each) { return each.name.starts_with("nop"); });
  return code;
}

// No path comes to it.
bool is_not_reached(const Case& at) {
  return !at.flow.is_reached(at.mutant.offset);
}

bool is_pop(const Decoded& instruction) {
  return instruction.name.starts_with("pop") && instruction.operands.size() == 1;
}

// It only computes: its one effect is on registers, and on memory that it reads.
bool only_computes(const Decoded& instruction) {
  return instruction.flow == Flow::next && !instruction.writes_memory() &&
         std::ranges::none_of(std::array{"rsp", "sp", "pc"},
                              [&](const char* reg) { return instruction.writes.contains(reg); });
}

std::optional<Memory> memory_of(const std::vector<Decoded>& code) {
  const Operand* memory = code.empty() ? nullptr : code[0].memory();
  if (memory == nullptr || code[0].name.starts_with("lea")) return {};
  return memory->at;
}

// Old and new differ in registers alone, and each of these is overwritten before it is read. What
// is loaded stays the same, because a load may fault: that is an effect.
bool is_overwritten(const Case& at) {
  if (at.before.size() != 1 || at.after.size() > 1) return false;
  if (memory_of(at.before) != memory_of(at.after)) return false;
  // Two pops read the same word, and do the same to SP.
  const bool pops = at.after.size() == 1 && is_pop(at.before[0]) && is_pop(at.after[0]);
  std::set<std::string> written;
  for (const auto* code : {&at.before, &at.after}) {
    for (const Decoded& each : *code) {
      if (pops && each.operands[0].reg != "rsp") {
        written.insert(each.operands[0].reg);
        continue;
      }
      if (!only_computes(each)) return false;
      written.insert(each.writes.begin(), each.writes.end());
    }
  }
  return std::ranges::none_of(written, [&](const std::string& reg) {
    return at.flow.is_read_behind(at.mutant.offset, reg);
  });
}

// The instruction in front of it on every path: the one that lies there, if nothing jumps in between.
const Decoded* in_front(const Case& at) {
  const Decoded* front = nullptr;
  for (const Decoded& each : at.function.code) {
    if (each.end() == at.mutant.offset) front = &each;
    const bool lands_here = each.target && *each.target - at.function.start == at.mutant.offset;
    if (each.flow == Flow::jump && lands_here) return nullptr;
  }
  return front != nullptr && front->flow == Flow::next ? front : nullptr;
}

// "Equal", and "equal or a borrow", behind an instruction that never leaves a borrow.
bool is_same_condition(const Case& at) {
  if (at.before.size() != 1 || at.after.size() != 1) return false;
  if (at.before[0].name != "je" || at.after[0].name != "jbe") return false;
  const Decoded* front = in_front(at);
  constexpr const char* kClear[] = {"test", "and", "or", "xor"};
  return front != nullptr && std::ranges::any_of(kClear, [&](const char* name) {
           return front->name.starts_with(name);
         });
}

// A return is gone, and control runs through what fills the gap into another return.
bool comes_to_the_same(const Case& at) {
  if (at.before.size() != 1 || !at.after.empty() || at.before[0].flow != Flow::returns)
    return false;
  constexpr std::size_t kFarthest = 64;  // bytes
  const std::uint64_t behind =
      at.function.file_offset + at.mutant.offset + at.mutant.old_bytes.size();
  const std::string& bytes = at.program.bytes();
  if (at.function.file_offset == 0 || behind >= bytes.size()) return false;
  for (const Decoded& each :
       at.program.decoder().decode(std::string_view(bytes).substr(behind, kFarthest), 0)) {
    if (!each.name.starts_with("nop")) return each.bytes == at.before[0].bytes;
  }
  return false;
}

// A word in memory that is stored, by a plain store; null: it is another instruction.
const Operand* stored_by(const Decoded& each) {
  const Operand* memory = each.memory();
  const bool plain = each.flow == Flow::next && each.writes.empty() && each.writes_memory();
  return plain && memory != nullptr && memory->at.index.empty() ? memory : nullptr;
}

// Words of the thread's own are reached by a segment. No pointer leads there unless the function has
// read one by that segment.
bool are_apart(const Case& at, const Operand& a, const Operand& b) {
  if (a.at.segment != b.at.segment) {
    return std::ranges::none_of(at.function.code, [](const Decoded& each) {
      const Operand* memory = each.memory();
      return memory != nullptr && !memory->at.segment.empty() && stored_by(each) == nullptr;
    });
  }
  if (a.at.base != b.at.base) return false;
  const Operand &low = a.at.displacement < b.at.displacement ? a : b, &high = &low == &a ? b : a;
  return low.at.displacement + low.size <= high.at.displacement;
}

// What others read changes in the same order: one of the two words is read by nobody meanwhile.
bool is_order_unseen(const Case& at) {
  if (at.mutant.kind != "swapped" || at.before.size() != 2) return false;
  const Operand *first = stored_by(at.before[0]), *second = stored_by(at.before[1]);
  if (first == nullptr || second == nullptr || !are_apart(at, *first, *second)) return false;
  const auto is_unread = [&](const Operand* word) {
    return word->at.segment.empty() && at.unread.words.contains(word->at.displacement);
  };
  return is_unread(first) || is_unread(second);
}

// Old and new differ in a constant that moves SP, beside an access or alone.
bool is_sp_loaded_anew(const Case& at) {
  if (at.before.size() != 1 || at.after.size() != 1) return false;
  const Decoded &before = at.before[0], &after = at.after[0];
  unsigned registers = 0;
  if (before.flow != Flow::next || differences(before, after, &registers) != kConstant)
    return false;
  std::set<std::string> differing;
  for (const std::string& reg : before.writes) {
    const bool is_sp = reg == "sp" || reg == "rsp";
    if (is_sp || before.memory() == nullptr) differing.insert(reg);
  }
  const bool moves_sp = differing.contains("sp") || differing.contains("rsp");
  return moves_sp && before.writes == after.writes && !before.writes_memory() &&
         std::ranges::none_of(differing, [&](const std::string& reg) {
           return at.flow.is_read_behind(at.mutant.offset, reg);
         });
}

bool is_the_same_word(const Case& at) {
  return takes_the_same_words(at.function, at.flow, at.mutant.offset, at.before, at.after);
}

struct Rule {
  EquivalenceRule said;
  bool (*holds)(const Case& at);
};
constexpr Rule kRules[] = {
    {{"behind-a-call-that-does-not-return", "no path comes to the instruction"}, is_not_reached},
    {{"overwritten-before-it-is-read",
      "it only computes, and what it computes is overwritten before anything reads it"},
     is_overwritten},
    {{"same-condition",
      "the instruction in front of it never leaves a borrow, so `below or equal` is "
      "`equal`"},
     is_same_condition},
    {{"comes-to-the-same", "a return is gone, and behind it control comes to another one"},
     comes_to_the_same},
    {{"order-that-no-reader-sees",
      "two stores side by side, one of them to a word that nobody reads while the stub runs"},
     is_order_unseen},
    {{"stack-pointer-loaded-anew",
      "only SP is another one, and it is loaded anew before anything reads it"},
     is_sp_loaded_anew},
    {{"takes-the-same-words",
      "SP is loaded anew before anything reads it, and what is popped was pushed twice"},
     is_the_same_word},
};

}  // namespace

std::vector<EquivalenceRule> equivalence_rules() {
  std::vector<EquivalenceRule> rules;
  for (const Rule& rule : kRules) rules.push_back(rule.said);
  return rules;
}

std::string equivalent_by(const ProgramCode& program, const Function& function,
                          const Mutant& mutant, const UnreadBy& unread_by) {
  const auto found = unread_by.find(mutant.symbol);
  const Unread unread = found == unread_by.end() ? Unread{} : found->second;
  const Case at{program,
                function,
                mutant,
                unread,
                ControlFlow(program, function, unread.registers),
                decoded(program, function, mutant, mutant.old_bytes),
                decoded(program, function, mutant, mutant.new_bytes)};
  for (const Rule& rule : kRules) {
    if (rule.holds(at)) return rule.said.name;
  }
  return {};
}

}  // namespace sigsweep
