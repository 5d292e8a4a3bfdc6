// One rule a kind of verdict: which word or register it is about, and which instructions are told.
#include "stress/runner/why.h"

#include <algorithm>
#include <bit>
#include <set>

#include "stress/base/modules.h"
#include "stress/runner/way.h"
#include "stress/schedule/schedule_text.h"

namespace sigsweep {
namespace {

constexpr unsigned kAddressBytes = sizeof(void*);
constexpr unsigned kMostStacks = 16;
#if defined(__x86_64__)
constexpr const char* kRegisterNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
#else
constexpr const char* kRegisterNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
#endif

class Explainer {
 public:
  Explainer(Runner& runner, const Plan& plan, const Judgement& judgement, const Observation& seen)
      : runner_(runner),
        subject_(runner.subject),
        plan_(plan),
        judgement_(judgement),
        changed_at_(seen.changed_at),
        leaked_(seen.leaked == nullptr ? "" : seen.leaked),
        way_(subject_) {}

  Why why() {
    switch (judgement_.verdict) {
      case Verdict::arg_clobbered:
      case Verdict::result_clobbered:
      case Verdict::handler_clobbered:
      case Verdict::slot_leak:
        of_slot();
        break;
      case Verdict::wrong_switch:
        of_switch();
        break;
      case Verdict::crash:
        of_crash();
        break;
      case Verdict::hang:
        of_hang();
        break;
      default:
        of_state();
    }
    return why_;
  }
  const Way& way() const { return way_; }

 private:
  // ---- walking
  bool walk(Watched watched = {}) {
    why_.not_looked_at = way_.walk(runner_.engine, plan_, judgement_, watched);
    return why_.not_looked_at.empty();
  }
  const Moment& moment(std::size_t i) const { return way_.moments()[i]; }

  // ---- telling
  Deed deed(Deed::Role role, std::size_t index, std::uint64_t value) const {
    const Moment& m = moment(index);
    Deed deed;
    deed.role = role;
    deed.value = value;
    deed.harness = !m.in_code;
    deed.by = "operation";
    if (m.by == kOfSignal) deed.by = "signal";
    if (m.by >= 0) deed.by = "handler " + std::to_string(m.by + 1);
    if (const auto named = modules_of_process().find(m.registers.pc)) {
      deed.at = {named->symbol, named->offset, 1};
      deed.module = named->module->name;
      deed.address = deed.module.empty() ? 0 : named->linked;
      // Code of a library that is loaded is the subject's, though no signal lands in it.
      deed.harness = deed.harness && deed.module.empty();
    } else {
      deed.at = {"0x0", m.registers.pc, 1};  // no code at all
    }
    return deed;
  }
  void tell(Deed::Role role, std::size_t index, std::uint64_t value) {
    why_.deeds.push_back(deed(role, index, value));
  }
  std::string stack_name(std::uint64_t address) const {
    Region stacks[kMostStacks];
    const unsigned count = subject_.stacks(stacks);
    for (unsigned i = 0; i < count; i++) {
      if (address - as_address(stacks[i].at) < stacks[i].size)
        return std::string(subject_.stack_name(i));
    }
    return {};
  }
  // Of SP: an empty stack's is its end.
  std::string stack_of_sp(std::uint64_t sp) const { return stack_name(sp - 1); }
  void name_word(std::uint64_t address) {
    why_.word_address = address;
    why_.word = subject_.word_name(address);
    for (unsigned i = 0; i < subject_.slots().size(); i++) {
      if (as_address(subject_.slot_address(i)) == address) why_.word = subject_.slots()[i];
    }
    why_.word_stack = stack_name(address);
  }
  Watched word_at(std::uint64_t address) const {
    const bool on_stack = !stack_name(address).empty();
    return {address, on_stack ? kAddressBytes : std::min(kAddressBytes, subject_.word_bits() / 8)};
  }

  // ---- slots
  void of_slot();
  std::set<std::uint64_t> readers(int victim, unsigned slot) const;
  int victim() const;

  // ---- words and registers
  void of_state();
  void of_memory(std::uint64_t address);
  void tell_red_zone(std::uint64_t address);
  void tell_arrival(std::size_t before);
  void of_register(int reg);
  void tell_origin(const Origin& origin, int reg);
  void of_crash();

  // ---- stacks, ends
  struct Switch {
    std::size_t moment;
    std::string from, to;
  };
  std::vector<Switch> switches(int by) const;
  void of_switch();
  bool find_handlers_switch(int handler, Switch* wrong);
  bool find_operations_switch(Switch* wrong);
  void of_hang();
  void tell_last();

  Runner& runner_;
  const Subject& subject_;
  const Plan& plan_;
  const Judgement judgement_;
  const std::uint64_t changed_at_;
  const std::string leaked_;
  Way way_;
  Why why_;
};

// ---- slots

// Whose slot it is: the operation's, or that of the first handler whose call lost one.
int Explainer::victim() const {
  if (judgement_.verdict != Verdict::handler_clobbered) return kOfOperation;
  for (unsigned i = 0; i < plan_.injections; i++) {
    if (!calls_subject(plan_.injection[i].handler)) continue;
    const Site& site = subject_.sites()[plan_.injection[i].handler];
    if (((site.in | site.out) & judgement_.slots) != 0) return static_cast<int>(i);
  }
  return kOfOperation;
}

// The instructions that read the slot, as the trace without a signal has them.
std::set<std::uint64_t> Explainer::readers(int victim, unsigned slot) const {
  const Trace* trace = nullptr;
  const std::string problem =
      victim == kOfOperation
          ? runner_.traces.of_operation(plan_.protocol, plan_.site, &trace)
          : runner_.traces.of_handler(
                plan_.protocol, plan_.injection[static_cast<unsigned>(victim)].handler, &trace);
  std::set<std::uint64_t> found;
  if (!problem.empty() || trace == nullptr) return found;
  for (const Access& access : trace->accesses) {
    if (access.slot == slot && !access.write) found.insert(trace->boundaries[access.step].pc);
  }
  return found;
}

// The first time that its owner reads what another has written.
void Explainer::of_slot() {
  if (judgement_.slots == 0) return of_switch();  // the handler's call did not come to its end
  const auto slot = static_cast<unsigned>(std::countr_zero(judgement_.slots));
  const int owner = victim();
  const std::set<std::uint64_t> reads = readers(owner, slot);
  if (!walk({as_address(subject_.slot_address(slot)), subject_.word_bits() / 8})) return;
  why_.word = subject_.slots()[slot];
  why_.word_address = as_address(subject_.slot_address(slot));
  const std::vector<Change>& changes = way_.changes();
  const Change *own = nullptr, *first = nullptr, *last = nullptr;
  std::size_t next = 0, read = way_.moments().size();
  for (std::size_t i = 0; i < way_.moments().size() && read == way_.moments().size(); i++) {
    for (; next < changes.size() && changes[next].moment < i; next++) {
      last = &changes[next];
      const bool by_owner = moment(last->moment).by == owner;
      if (by_owner) own = last;
      first = by_owner ? nullptr : first == nullptr ? last : first;
    }
    const bool alien = last != nullptr && moment(last->moment).by != owner;
    if (alien && moment(i).by == owner && reads.contains(moment(i).registers.pc)) read = i;
  }
  const bool was_read = read != way_.moments().size();
  if (!was_read && !changes.empty()) last = &changes.back();
  if (own != nullptr && own != last) tell(Deed::owner, own->moment, own->value);
  if (was_read && first != last) tell(Deed::first_writer, first->moment, first->value);
  if (last != nullptr) tell(Deed::writer, last->moment, last->value);
  if (was_read && last != nullptr) tell(Deed::reader, read, last->value);
}

// ---- words and registers

void Explainer::of_state() {
  if (changed_at_ != 0) return of_memory(changed_at_ & ~std::uint64_t{kAddressBytes - 1});
  for (int i = 0; i < static_cast<int>(std::size(kRegisterNames)); i++) {
    if (leaked_.starts_with(kRegisterNames[i])) return of_register(i);
  }
  constexpr int kFramePointer = 5;
  if (leaked_.starts_with("frame pointer")) return of_register(kFramePointer);
  why_.not_looked_at =
      "no instruction is looked for where the verdict is " +
      std::string(verdict_name(judgement_.verdict)) +
      (judgement_.detail == nullptr ? "" : " (" + std::string(judgement_.detail) + ")");
}

// Does the word lie below SP, in the stack that was in use when the first signal landed?
void Explainer::tell_red_zone(std::uint64_t address) {
  for (std::size_t i = 0; i < way_.moments().size() && !moment(i).landed; i++) {
    if (!moment(i).in_code) continue;
    const std::uint64_t sp = moment(i).sp();
    const bool below = address < sp && stack_name(address) == stack_of_sp(sp);
    why_.below_sp = below ? sp - address : 0;
  }
}

// The last instruction before that moment by which its code came to the word's stack from another.
void Explainer::tell_arrival(std::size_t before) {
  for (std::size_t i = before; i-- > 0;) {
    const bool comes = stack_of_sp(moment(i).sp()) != why_.word_stack &&
                       stack_of_sp(moment(i + 1).sp()) == why_.word_stack;
    if (!comes || moment(i).by != moment(before).by) continue;
    return tell(Deed::arrival, i, moment(i + 1).sp());
  }
}

// Of a stack in use: what was there when the signal landed, and the last that another wrote there.
// Of other state: the last that anybody wrote there.
void Explainer::of_memory(std::uint64_t address) {
  if (!walk(word_at(address))) return;
  name_word(address);
  const bool smashed = judgement_.verdict == Verdict::stack_smash;
  if (smashed) tell_red_zone(address);
  const Change *owner = nullptr, *first = nullptr, *writer = nullptr;
  for (const Change& change : way_.changes()) {
    const Moment& m = moment(change.moment);
    if (!m.landed) owner = &change;
    if (smashed && (!m.landed || m.by == kOfOperation)) continue;
    if (first == nullptr) first = &change;
    writer = &change;
  }
  if (smashed) {
    const std::uint64_t held = owner == nullptr ? way_.first_value() : owner->value;
    if (const Module* module = modules_of_process().at(held);
        module != nullptr && !runner_.subject.code().empty()) {
      const auto named = modules_of_process().find(held);
      const bool is_code = std::ranges::any_of(module->executable, [&](const auto& range) {
        return held >= range.begin && held < range.end;
      });
      if (named && is_code) why_.points_to = named->symbol + "+" + hex(named->offset);
    }
    if (owner != nullptr) tell(Deed::owner, owner->moment, owner->value);
    if (first != nullptr) tell_arrival(first->moment);
    if (first != writer) tell(Deed::first_writer, first->moment, first->value);
  }
  if (writer != nullptr) tell(Deed::writer, writer->moment, writer->value);
}

// The call that lost it, and the last instruction in there that gave it another value.
void Explainer::of_register(int reg) {
  if (!walk()) return;
  why_.register_name = kRegisterNames[reg];
  const std::size_t lost = way_.loss(reg);
  const std::size_t end = lost == 0 ? way_.moments().size() - 1 : lost + 1;
  for (std::size_t i = end; i-- > 0;) {
    const std::uint64_t value = moment(i + 1).registers.general[reg];
    if (moment(i).registers.general[reg] == value) continue;
    tell(Deed::setter, i, value);
    break;
  }
  if (lost != 0) tell(Deed::lost, lost, moment(lost + 1).registers.general[reg]);
}

// The word that the value was read from, and who had written that: known after a second walk.
void Explainer::tell_origin(const Origin& origin, int reg) {
  if (reg != kNoRegister) why_.register_name = kRegisterNames[reg];
  if (origin.kind == Origin::unknown) return;
  const std::size_t at = origin.moment;
  if (origin.kind == Origin::made) {
    return tell(Deed::setter, at, reg == kNoRegister ? 0 : moment(at + 1).registers.general[reg]);
  }
  name_word(origin.address);
  const std::uint64_t pc = moment(at).registers.pc;
  if (!walk(word_at(origin.address))) return;
  if (at >= way_.moments().size() || moment(at).registers.pc != pc) {
    why_.not_looked_at = "stepped once more, the trial took another way";
    return;
  }
  const Change* writer = nullptr;
  for (const Change& change : way_.changes()) {
    if (change.moment < at) writer = &change;
  }
  if (writer != nullptr) tell(Deed::writer, writer->moment, writer->value);
  tell(Deed::reader, at, writer == nullptr ? way_.first_value() : writer->value);
}

void Explainer::of_crash() {
  if (!walk()) return;
  why_.fault_signal = way_.fault().signal;
  why_.fault_address = way_.fault().address;
  if (way_.end() != SteppedTrial::faulted) return tell_last();
  const std::size_t last = way_.moments().size() - 1;
  int reg = kNoRegister;
  const Origin origin = way_.origin_of_fault(&reg);
  if (reg == kNoRegister && origin.kind == Origin::memory) why_.register_name = "pc";
  const Deed faulted = deed(Deed::faulted, last, moment(last).sp());
  tell_origin(origin, reg);
  why_.deeds.push_back(faulted);
}

// ---- stacks, ends

// Instructions of the code under test that moved SP to another stack.
std::vector<Explainer::Switch> Explainer::switches(int by) const {
  std::vector<Switch> found;
  for (std::size_t i = 0; i + 1 < way_.moments().size(); i++) {
    const Moment &m = moment(i), &next = moment(i + 1);
    if (!m.in_code || m.by != by || next.by != by || m.sp() == next.sp()) continue;
    const X86Instruction at = way_.instruction(i);
    // Else a signal came in front of it.
    const bool ran = next.registers.pc == m.registers.pc + at.length;
    if (at.to != kStackPointer || !ran) continue;
    const std::string from = stack_of_sp(m.sp()), to = stack_of_sp(next.sp());
    if (from != to) found.push_back({i, from, to});
  }
  return found;
}

// A handler leaves its stack and comes back to it: the first switch behind one that has left it must
// come back.
bool Explainer::find_handlers_switch(int handler, Switch* wrong) {
  const Switch* left = nullptr;
  const std::vector<Switch> all = switches(handler);
  for (const Switch& each : all) {
    if (left == nullptr) {
      left = &each;
      continue;
    }
    if (each.to == left->from) {
      left = nullptr;
      continue;
    }
    tell(Deed::left, left->moment, moment(left->moment).sp());
    why_.home = left->from;
    *wrong = each;
    return true;
  }
  return false;
}

// The operation must take the switches that it takes without a signal, from and to the same stacks.
bool Explainer::find_operations_switch(Switch* wrong) {
  const std::vector<Switch> got = switches(kOfOperation);
  Plan undisturbed = plan_;
  undisturbed.injections = 0;
  Way calm(subject_);
  if (!calm.walk(runner_.engine, undisturbed, Judgement{}, {}).empty()) return false;
  std::swap(way_, calm);
  const std::vector<Switch> wanted = switches(kOfOperation);
  std::swap(way_, calm);
  for (std::size_t i = 0; i < got.size(); i++) {
    const bool same = i < wanted.size() && got[i].to == wanted[i].to;
    if (same) continue;
    if (i < wanted.size()) why_.home = wanted[i].to;
    *wrong = got[i];
    return true;
  }
  return false;
}

void Explainer::of_switch() {
  if (!walk()) return;
  Switch wrong{};
  bool found = false;
  for (unsigned i = 0; i < plan_.injections && !found; i++) {
    found = find_handlers_switch(static_cast<int>(i), &wrong);
  }
  if (!found) found = find_operations_switch(&wrong);
  if (!found) return tell_last();
  why_.from = wrong.from;
  why_.to = wrong.to;
  const Deed switched = deed(Deed::switched, wrong.moment, moment(wrong.moment + 1).sp());
  tell_origin(way_.origin(kStackPointer, wrong.moment + 1), kStackPointer);
  why_.deeds.push_back(switched);
}

void Explainer::of_hang() {
  if (!walk()) return;
  constexpr std::size_t kLoop = 4000;  // of the last instructions
  const std::size_t count = way_.moments().size();
  std::size_t first = count - 1, last = count - 1;
  for (std::size_t i = count > kLoop ? count - kLoop : 0; i < count; i++) {
    if (moment(i).registers.pc < moment(first).registers.pc) first = i;
    if (moment(i).registers.pc > moment(last).registers.pc) last = i;
  }
  tell(Deed::first_of_loop, first, 0);
  tell(Deed::last_of_loop, last, 0);
}

void Explainer::tell_last() {
  for (std::size_t i = way_.moments().size(); i-- > 0;) {
    if (!moment(i).in_code) continue;
    why_.from = stack_of_sp(moment(i).sp());
    return tell(Deed::last, i, moment(i).sp());
  }
}

// Registers as the fault found them, or behind the operation's last instruction.
void add_end(const Subject& subject, const Way& way, Account* account) {
  const std::vector<Moment>& moments = way.moments();
  std::size_t end = moments.size();
  if (end == 0) return;
  while (end > 1 && way.fault().signal == 0 && !moments[end - 2].in_code) end--;
  const StepRegisters& r = moments[end - 1].registers;
  account->registers_after = {{Way::kWide ? "rip" : "eip", r.pc}};
  for (unsigned i = 0; i < std::size(kRegisterNames); i++)
    account->registers_after.push_back({kRegisterNames[i], r.general[i]});
  for (unsigned i = 0; i < subject.slots().size(); i++)
    account->slots_after.push_back({std::string(subject.slots()[i]), way.slots()[i]});
}

}  // namespace

void explain(Runner& runner, const Plan& plan, const Judgement& judgement, const Observation& seen,
             Account* account) {
  const bool external = std::any_of(plan.injection, plan.injection + plan.injections,
                                    [](const auto& i) { return i.is_external(); });
  Why none;
  none.not_looked_at = "another process sends the signal";
#if !defined(__x86_64__) && !defined(__i386__)
  none.not_looked_at = "no trial of this instruction set can be stepped from outside";
  constexpr bool kSteps = false;
#else
  constexpr bool kSteps = true;
#endif
  if (!kSteps || external) {
    account->why = none;
    return;
  }
  Explainer explainer(runner, plan, judgement, seen);
  account->why = explainer.why();
  add_end(runner.subject, explainer.way(), account);
}

}  // namespace sigsweep
