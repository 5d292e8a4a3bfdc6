#include "stress/host/mutants/pushed_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace sigsweep {
namespace {

bool is_sp(const std::string& reg) {
  return reg == "rsp";
}

// What the registers and the pushed words hold, by names: one name, one value.
struct State {
  std::map<std::string, std::string> registers;  // without SP; missing: what it held at `since`
  std::map<std::int64_t, std::string> words;     // by their distance from where SP was loaded
  std::int64_t sp = 0;
  std::uint64_t since = 0;

  bool operator==(const State&) const = default;

  std::string value_of(const std::string& reg) const {
    const auto at = registers.find(reg);
    return at == registers.end() ? fmt::format("{}@{:#x}", reg, since) : at->second;
  }
  void write(const Decoded& each) {
    for (const std::string& reg : each.writes) {
      if (!is_sp(reg)) registers[reg] = fmt::format("{}@{:#x}", reg, each.offset);
    }
  }
  // A signal may overwrite what lies below SP.
  void forget_below() { words.erase(words.begin(), words.lower_bound(sp)); }
};

bool loads_sp(const Decoded& each) {
  return each.name.starts_with("mov") && each.writes.contains("rsp") && each.memory() != nullptr &&
         !each.reads.contains("rsp");
}

bool moves_sp(const Decoded& each) {
  return (each.name.starts_with("add") || each.name.starts_with("sub")) &&
         each.operands.size() == 2 &&
         std::ranges::any_of(each.operands,
                             [](const Operand& o) { return is_sp(o.reg) && o.written; }) &&
         std::ranges::any_of(each.operands,
                             [](const Operand& o) { return o.kind == Operand::immediate; });
}

bool is_of_a_register(const Decoded& each, const char* name) {
  return each.name.starts_with(name) && each.operands.size() == 1 &&
         each.operands[0].kind == Operand::register_ && !is_sp(each.operands[0].reg);
}

// An instruction that only pops, or moves SP. False: it is another one, or the word is not known.
bool take(const Decoded& each, State* state) {
  if (moves_sp(each)) {
    const auto constant =
        std::ranges::find(each.operands, Operand::immediate, &Operand::kind)->value;
    state->sp += each.name.starts_with("add") ? constant : -constant;
    state->write(each);
  } else if (is_of_a_register(each, "pop")) {
    const auto word = state->words.find(state->sp);
    if (word == state->words.end()) return false;
    state->registers[each.operands[0].reg] = word->second;
    state->sp += each.operands[0].size;
  } else {
    return false;
  }
  state->forget_below();
  return true;
}

bool push(const Decoded& each, State* state) {
  if (!is_of_a_register(each, "push")) return false;
  state->sp -= each.operands[0].size;
  state->words[state->sp] = state->value_of(each.operands[0].reg);
  return true;
}

// What a call returns with: other registers, and the words that were pushed before it.
void call(const Decoded& each, State* state) {
  state->registers.clear();
  state->since = each.end();
}

// An instruction that has nothing to do with the stack, of which all that it reads is the same for
// both. Then so is what it does.
bool does_the_same(const Decoded& each, State* a, State* b) {
  if (each.flow != Flow::next || each.reads.contains("rsp") || each.writes.contains("rsp"))
    return false;
  const auto differs = [&](const std::string& reg) { return a->value_of(reg) != b->value_of(reg); };
  if (std::ranges::any_of(each.reads, differs)) return false;
  for (State* state : {a, b}) {
    state->write(each);
    if (each.writes_memory()) state->words.clear();
  }
  return true;
}

// One instruction that both run.
bool step(const Decoded& each, State* a, State* b) {
  if (take(each, a)) return take(each, b);
  if (*a == *b && push(each, a)) return push(each, b);
  if (*a == *b && each.flow == Flow::call && !each.conditional) {
    call(each, a);
    call(each, b);
    return true;
  }
  return does_the_same(each, a, b);
}

bool is_jumped_to(const ProgramCode::Function& function, std::uint64_t from, std::uint64_t to) {
  return std::ranges::any_of(function.code, [&](const Decoded& each) {
    if (each.flow != Flow::jump) return false;
    if (!each.target) return true;
    const std::uint64_t at = *each.target - function.start;
    return at > from && at <= to;
  });
}

// Behind the change: until SP is loaded.
bool ends_the_same(const ProgramCode::Function& function, const ControlFlow& flow,
                   std::uint64_t from, State a, State b) {
  for (const Decoded& each : function.code) {
    if (each.offset < from) continue;
    if (!loads_sp(each)) {
      if (!step(each, &a, &b)) return false;
      continue;
    }
    const auto same = [&](const std::string& reg) { return a.value_of(reg) == b.value_of(reg); };
    std::set<std::string> written;
    for (const State& state : {a, b}) {
      for (const auto& [reg, value] : state.registers) written.insert(reg);
    }
    return std::ranges::all_of(each.reads, same) &&
           std::ranges::all_of(written, [&](const std::string& reg) {
             return same(reg) || !flow.is_read_behind(each.offset, reg);
           });
  }
  return false;
}

}  // namespace

bool takes_the_same_words(const ProgramCode::Function& function, const ControlFlow& flow,
                          std::uint64_t offset, const std::vector<Decoded>& before,
                          const std::vector<Decoded>& after) {
  const Decoded* start = nullptr;
  std::uint64_t end = offset;
  for (const Decoded& each : function.code) {
    if (each.offset == offset) end = each.end();
    if (each.offset < offset && loads_sp(each)) start = &each;
  }
  if (start == nullptr || is_jumped_to(function, start->offset, offset)) return false;
  State a, b;
  for (const Decoded& each : function.code) {
    if (each.offset <= start->offset || each.offset >= offset) continue;
    if (!step(each, &a, &b)) return false;
  }
  for (const Decoded& each : before) {
    if (!take(each, &a)) return false;
  }
  for (const Decoded& each : after) {
    if (!take(each, &b)) return false;
  }
  return !before.empty() && ends_the_same(function, flow, end, a, b);
}

}  // namespace sigsweep
