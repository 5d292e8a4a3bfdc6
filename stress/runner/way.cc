// Recording a way, and looking back along it.
#include "stress/runner/way.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <iterator>

namespace sigsweep {
namespace {

constexpr std::size_t kMostOfALoop = 60'000;
constexpr std::size_t kLongest = 15;    // bytes of an instruction
constexpr std::size_t kMost = 300'000;  // moments of a trial that has an end

// While several handlers are under way, the one that began last.
int whose(const Course& seen, const Plan& plan) {
  if (seen.hits > static_cast<std::uint32_t>(std::popcount(seen.entered))) return kOfSignal;
  int last = kOfOperation;
  for (unsigned i = 0; i < plan.injections; i++) {
    if (seen.has_entered(i) && !seen.has_exited(i)) last = static_cast<int>(i);
  }
  return last;
}

}  // namespace

void Way::look_at_slots(const StepMemory& memory) {
  for (unsigned i = 0; i < slots_.count(); i++) {
    slots_at_end_[i] = memory.word(as_address(slots_.address(i)), slots_.bytes());
  }
}

bool Way::take(const StepView& view, const Plan& plan, Watched watched) {
  const StepRegisters& registers = view.registers;
  if (watched.bytes != 0) {
    const std::uint64_t now = view.memory.word(watched.address, watched.bytes);
    if (moments_.empty()) first_value_ = now;
    if (!moments_.empty() && now != value_) changes_.push_back({moments_.size() - 1, now});
    value_ = now;
  }
  const bool in_code = code_.contains(registers.pc);
  const bool leaves_code = !in_code && !moments_.empty() && moments_.back().in_code;
  if (view.over || view.fault.signal != 0 || leaves_code) look_at_slots(view.memory);
  if (view.over) return true;
  moments_.push_back({registers, whose(view.seen, plan), view.seen.hits != 0, in_code});
  fault_ = view.fault;
  if (fault_.signal != 0) {
    unsigned char byte = 0;
    stack_is_readable_ = view.memory.read(moments_.back().sp() - 1, &byte, 1);
  }
  return moments_.size() < most_;
}

std::string Way::walk(Engine& engine, const Plan& plan, const Judgement& expected,
                      Watched watched) {
  moments_.clear();
  changes_.clear();
  most_ = expected.verdict == Verdict::hang ? kMostOfALoop : kMost;
  const SteppedTrial stepped =
      engine.step(plan, [&](const StepView& view) { return take(view, plan, watched); });
  end_ = stepped.end;
  if (!stepped.problem.empty()) return stepped.problem;
  if (moments_.empty()) return "the operation was not reached";
  const bool long_one = end_ == SteppedTrial::late || end_ == SteppedTrial::enough;
  if (long_one && expected.verdict != Verdict::hang)
    return "the trial takes too long when it is stepped";
  if (end_ == SteppedTrial::came_back && stepped.judgement.verdict != expected.verdict) {
    return "stepped once more, the trial came to " +
           std::string(verdict_name(stepped.judgement.verdict));
  }
  return {};
}

X86Instruction Way::instruction(std::size_t moment) const {
  const StepMemory own(getpid());  // the code is the same
  unsigned char bytes[kLongest];
  for (std::size_t size = kLongest; size > 0; size--) {  // a page may end behind it
    if (own.read(moments_[moment].registers.pc, bytes, size))
      return decode_x86({bytes, size}, kWide);
  }
  return {};
}

std::uint64_t Way::operand(std::size_t moment, const X86Instruction& i) const {
  const StepRegisters& r = moments_[moment].registers;
  std::uint64_t address = static_cast<std::uint64_t>(i.displacement);
  if (i.base >= 0) address += r.general[i.base];
  if (i.index >= 0) address += r.general[i.index] * i.scale;
  if (i.of_next) address += r.pc + i.length;
  if (i.of_segment) address += r.segment_base;
  return kWide ? address : address & 0xffffffff;
}

// Back to the instruction that set the register, and on with the one that its value came from.
Origin Way::origin(int reg, std::size_t moment) const {
  using Kind = X86Instruction::Kind;
  for (;;) {
    const std::uint64_t value = moments_[moment].registers.general[reg];
    while (moment > 0 && moments_[moment - 1].registers.general[reg] == value) moment--;
    if (moment == 0) return {};
    const X86Instruction i = instruction(--moment);
    if (i.to == reg && i.kind == Kind::load) return {Origin::memory, moment, operand(moment, i)};
    if (i.to == reg && i.kind == Kind::pop) return {Origin::memory, moment, moments_[moment].sp()};
    if (i.to == reg && (i.kind == Kind::move || i.kind == Kind::leave)) {
      reg = i.from;
      continue;
    }
    const bool adjusts = i.kind == Kind::adjust && i.to == reg;
    const bool moves_sp = i.kind == Kind::push || i.kind == Kind::pop || i.kind == Kind::call ||
                          i.kind == Kind::ret || i.kind == Kind::call_memory ||
                          i.kind == Kind::call_register;
    if (!adjusts && !(reg == kStackPointer && moves_sp)) return {Origin::made, moment, 0};
  }
}

// A call comes back behind itself, with its SP. Many may be under way, on several stacks.
std::size_t Way::loss(int reg) const {
  using Kind = X86Instruction::Kind;
  struct Call {
    std::uint64_t behind, sp, value;
  };
  std::vector<Call> under_way;
  for (std::size_t i = 0; i + 1 < moments_.size(); i++) {
    const StepRegisters& r = moments_[i].registers;
    const auto back = std::find_if(under_way.rbegin(), under_way.rend(), [&](const Call& call) {
      return call.behind == r.pc && call.sp == moments_[i].sp();
    });
    if (back != under_way.rend()) {
      if (back->value != r.general[reg]) return i - 1;
      under_way.erase(std::prev(back.base()));
    }
    const X86Instruction at = instruction(i);
    const bool calls =
        at.kind == Kind::call || at.kind == Kind::call_memory || at.kind == Kind::call_register;
    if (calls && at.length != 0)
      under_way.push_back({r.pc + at.length, moments_[i].sp(), r.general[reg]});
  }
  return 0;
}

// The last instruction was fetched from where there is no code: the one before went there.
Origin Way::origin_of_jump(std::size_t moment, int* reg) const {
  using Kind = X86Instruction::Kind;
  const X86Instruction i = instruction(moment);
  if (i.kind == Kind::ret) return {Origin::memory, moment, moments_[moment].sp()};
  if (i.kind == Kind::call_memory || i.kind == Kind::jump_memory)
    return {Origin::memory, moment, operand(moment, i)};
  if (i.kind != Kind::call_register && i.kind != Kind::jump_register) return {};
  *reg = i.from;
  return origin(i.from, moment);
}

Origin Way::origin_of_fault(int* reg) const {
  using Kind = X86Instruction::Kind;
  const std::size_t last = moments_.size() - 1;
  unsigned char byte = 0;
  *reg = kNoRegister;
  if (!StepMemory(getpid()).read(moments_[last].registers.pc, &byte, 1))
    return last == 0 ? Origin{} : origin_of_jump(last - 1, reg);
  const X86Instruction i = instruction(last);
  const bool by_sp = !stack_is_readable_ || i.kind == Kind::push || i.kind == Kind::pop ||
                     i.kind == Kind::call || i.kind == Kind::ret;
  if (i.kind == Kind::leave) *reg = i.from;
  if (i.has_memory) *reg = i.base >= 0 ? i.base : i.index;
  if (by_sp) *reg = kStackPointer;
  return *reg == kNoRegister ? Origin{} : origin(*reg, last);
}

}  // namespace sigsweep
