#include "stress/host/mutants/equivalent.h"

#include <algorithm>
#include <optional>

#include "stress/host/mutants/control_flow.h"

namespace sigsweep {
namespace {

using Function = ProgramCode::Function;

struct Case {
  const ProgramCode& program;
  const Function& function;
  const Mutant& mutant;
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

// It only computes: its one effect is on registers, and on memory that it reads.
bool only_computes(const Decoded& instruction) {
  return instruction.flow == Flow::next && !instruction.writes_memory() &&
         !instruction.writes.contains("rsp") && !instruction.writes.contains("sp") &&
         !instruction.writes.contains("pc");
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
  std::set<std::string> written;
  for (const auto* code : {&at.before, &at.after}) {
    for (const Decoded& each : *code) {
      if (!only_computes(each)) return false;
      written.insert(each.writes.begin(), each.writes.end());
    }
  }
  return std::ranges::none_of(written, [&](const std::string& reg) {
    return at.flow.is_read_behind(at.mutant.offset, reg);
  });
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
};

}  // namespace

std::vector<EquivalenceRule> equivalence_rules() {
  std::vector<EquivalenceRule> rules;
  for (const Rule& rule : kRules) rules.push_back(rule.said);
  return rules;
}

std::string equivalent_by(const ProgramCode& program, const Function& function,
                          const Mutant& mutant) {
  const Case at{program,
                function,
                mutant,
                ControlFlow(program, function),
                decoded(program, function, mutant, mutant.old_bytes),
                decoded(program, function, mutant, mutant.new_bytes)};
  for (const Rule& rule : kRules) {
    if (rule.holds(at)) return rule.said.name;
  }
  return {};
}

}  // namespace sigsweep
