// What is the same for every ISA: which of the changed bytes are mutants.
#include "stress/host/mutants/mutation.h"

#include <fmt/format.h>

#include <algorithm>

namespace sigsweep {
namespace {

constexpr const char* kDropped = "dropped";
constexpr const char* kSwapped = "swapped";

bool is_nop(const Decoded& instruction) {
  return instruction.name == "nop" || instruction.name.starts_with("nop");
}

// The mutants of one function while they are made.
class Maker {
 public:
  Maker(const ProgramCode& program, const ProgramCode::Function& function, std::string isa)
      : program_(program), function_(function), isa_(std::move(isa)) {}

  std::vector<Mutant> all() {
    const bool arm = program_.decoder().is_arm();
    const auto kinds = arm ? arm_kinds() : x86_kinds();
    for (std::size_t i = 0; i < function_.code.size(); i++) {
      drop(function_.code[i]);
      for (const MutationKind& kind : kinds) change(function_.code[i], kind);
      if (i + 1 < function_.code.size()) swap(function_.code[i], function_.code[i + 1]);
    }
    return std::move(mutants_);
  }

 private:
  void drop(const Decoded& at) {
    if (is_nop(at)) return;
    add(at, kDropped, program_.named(at), "nothing", at.bytes,
        program_.decoder().nops(at.bytes.size()));
  }

  // The one instruction that the bytes are, beside what does nothing; null: they are none.
  const Decoded* only(const std::vector<Decoded>& decoded) const {
    const Decoded* found = nullptr;
    for (const Decoded& each : decoded) {
      if (is_nop(each)) continue;
      if (found != nullptr || each.flow == Flow::trap) return nullptr;
      found = &each;
    }
    return found;
  }

  void change(const Decoded& at, const MutationKind& kind) {
    std::size_t taken = 0;
    for (const std::string& bytes : kind.changes(at, program_.decoder())) {
      if (bytes == at.bytes || bytes.size() != at.bytes.size()) continue;
      const auto decoded = program_.decoder().decode(bytes, function_.start + at.offset);
      const Decoded* after = only(decoded);
      unsigned registers = 0;
      if (after == nullptr || differences(at, *after, &registers) != kind.differs) continue;
      if (registers > 1 || (after->flow != at.flow && at.flow != Flow::call)) continue;
      add(at, kind.name, program_.named(at), program_.named(*after), at.bytes, bytes);
      if (++taken == kind.most) return;
    }
  }

  // Two stores that lie side by side. An address that counts from the instruction would change.
  void swap(const Decoded& first, const Decoded& second) {
    const auto is_store = [](const Decoded& each) {
      const Operand* memory = each.memory();
      const bool relative =
          memory != nullptr && (memory->at.base == "rip" || memory->at.base == "pc");
      return each.flow == Flow::next && each.writes_memory() && !relative;
    };
    if (!is_store(first) || !is_store(second) || first.bytes == second.bytes) return;
    add(first, kSwapped, first.text + "; " + second.text, second.text + "; " + first.text,
        first.bytes + second.bytes, second.bytes + first.bytes);
  }

  void add(const Decoded& at, const char* kind, const std::string& before, const std::string& after,
           const std::string& old_bytes, const std::string& new_bytes) {
    // One change may be of two kinds.
    const auto is_same = [&](const Mutant& each) {
      return each.offset == at.offset && each.new_bytes == new_bytes;
    };
    if (std::ranges::any_of(mutants_, is_same)) return;
    const auto is_before = [&](const Mutant& each) {
      return each.offset == at.offset && each.kind == kind;
    };
    const std::string id = fmt::format("{}+{:#x}:{}:{}", function_.symbol, at.offset, kind,
                                       std::ranges::count_if(mutants_, is_before) + 1);
    mutants_.push_back(
        {id, isa_, function_.symbol, kind, at.offset, before, after, old_bytes, new_bytes});
  }

  const ProgramCode& program_;
  const ProgramCode::Function& function_;
  std::string isa_;
  std::vector<Mutant> mutants_;
};

unsigned operand_differences(const Operand& before, const Operand& after, unsigned* registers) {
  if (before.kind != after.kind || before.size != after.size) return kShape;
  unsigned found = 0;
  if (before.reg != after.reg) {
    found |= kRegister;
    ++*registers;
  }
  if (before.value != after.value) found |= kConstant;
  if (before.kind != Operand::memory) return found;
  const Memory &a = before.at, &b = after.at;
  if (a.base != b.base) {
    found |= kRegister;
    ++*registers;
  }
  if (a.displacement != b.displacement) found |= kDisplacement;
  if (a.segment != b.segment || a.index != b.index || a.scale != b.scale) found |= kShape;
  return found;
}

}  // namespace

unsigned differences(const Decoded& before, const Decoded& after, unsigned* registers) {
  *registers = 0;
  unsigned found = before.name == after.name ? 0U : kName;
  if (before.operands.size() != after.operands.size()) return found | kShape;
  if (before.target != after.target) return found | kTarget;
  if (before.target) return found;
  for (std::size_t i = 0; i < before.operands.size(); i++) {
    found |= operand_differences(before.operands[i], after.operands[i], registers);
  }
  return found;
}

std::vector<Mutant> mutants_of(const ProgramCode& program, const ProgramCode::Function& function,
                               const std::string& isa) {
  return Maker(program, function, isa).all();
}

std::vector<std::string> mutation_kinds() {
  std::vector<std::string> names = {kDropped};
  for (const auto& kinds : {x86_kinds(), arm_kinds()}) {
    for (const MutationKind& kind : kinds) {
      if (std::ranges::find(names, kind.name) == names.end()) names.emplace_back(kind.name);
    }
  }
  names.emplace_back(kSwapped);
  return names;
}

}  // namespace sigsweep
