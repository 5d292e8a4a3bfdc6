// From recorded steps and accesses to boundaries, phases, live slots and predictions.
#include "stress/trace/trace.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "stress/base/modules.h"

namespace sigsweep {
namespace {

// Which invocation of which function a step is in: so the way in and the way back have different
// names.
class CallStack {
 public:
  struct Frame {
    std::uint64_t function;  // where it starts
    bool called;             // it has called another function: it is on its way back
  };

  const Frame& step_to(std::uint64_t function, bool at_start) {
    if (frames_.empty() || frames_.back().function != function || at_start) {
      if (at_start) {
        if (!frames_.empty()) frames_.back().called = true;
        frames_.push_back(Frame{function, false});
      } else {
        while (!frames_.empty() && frames_.back().function != function) frames_.pop_back();
        if (frames_.empty()) frames_.push_back(Frame{function, true});
      }
    }
    return frames_.back();
  }

 private:
  std::vector<Frame> frames_;
};

constexpr const char* kPartNames[] = {"caller", "stub", "fn"};

std::string part_name(Part part, bool called, bool switched) {
  std::string name = kPartNames[static_cast<unsigned>(part)];
  if (called) return name + ".back";
  if (part == Part::stub && switched) return name + ".switched";
  return name;
}

std::string live_name(const Subject& subject, SlotMask live) {
  std::string name;
  for (unsigned i = 0; i < kMaxSlots; i++) {
    if ((live >> i & 1) == 0) continue;
    if (!name.empty()) name += '+';
    name += subject.slots()[i];
  }
  return name.empty() ? "-" : name;
}

struct NextAccess {
  bool written_before = false;
  const Access* next = nullptr;  // at or after the boundary
  bool write_to_come = false;
};

bool is_live(const NextAccess& look) {
  return look.written_before && look.next != nullptr && !look.next->write;
}

NextAccess look_ahead(const Trace& trace, unsigned boundary, unsigned slot) {
  NextAccess found;
  for (const Access& a : trace.accesses) {  // in order of execution
    if (a.slot != slot) continue;
    if (a.step < boundary) {
      found.written_before = found.written_before || a.write;
    } else {
      if (found.next == nullptr) found.next = &a;
      found.write_to_come = found.write_to_come || a.write;
    }
  }
  return found;
}

void find_live(const Subject& subject, Trace* trace) {
  for (unsigned b = 0; b < trace->boundaries.size(); b++) {
    Boundary& boundary = trace->boundaries[b];
    for (unsigned slot = 0; slot < kMaxSlots; slot++) {
      const NextAccess look = look_ahead(*trace, b, slot);
      if (!is_live(look)) continue;
      const SlotMask bit = SlotMask{1} << slot;
      boundary.live |= bit;
      if (trace->boundaries[look.next->step].part == Part::fn) boundary.live_argument |= bit;
    }
    for (unsigned cell = 0; cell < subject.traced_words().size(); cell++) {
      if (is_live(look_ahead(*trace, b, kMaxSlots + cell))) {
        boundary.marks |= subject.traced_words()[cell].mark;
      }
    }
  }
}

std::string no_module(std::uint64_t pc) {
  char text[80];
  std::snprintf(text, sizeof text, "the instruction at 0x%llx lies in no file that is loaded",
                static_cast<unsigned long long>(pc));
  return text;
}

std::string name_of(const Boundary& b) {
  char offset[24];
  std::snprintf(offset, sizeof offset, "+0x%llx", static_cast<unsigned long long>(b.offset));
  return b.symbol + offset;
}

// Between a boundary's pass and the pass before: the last pc that was not reached earlier.
std::uint64_t gate_of(const std::vector<Boundary>& boundaries, std::size_t index) {
  const std::uint64_t pc = boundaries[index].pc;
  if (boundaries[index].nth == 1) return 0;
  for (std::size_t i = index - 1; boundaries[i].pc != pc; i--) {
    if (boundaries[i].nth == 1) return boundaries[i].pc;
  }
  return 0;
}

// Does this step enter a function, on the same stack?
bool is_call(const Boundary& from, const Boundary& to) {
  return to.offset == 0 && to.sp <= from.sp && from.sp - to.sp <= 16;
}

// Does the call return to b: right behind it, with its SP?
bool is_behind(const Boundary& call, const Boundary& b) {
  constexpr std::uint64_t kLongestCall = 8;  // bytes
  return b.symbol == call.symbol && b.sp == call.sp && b.pc > call.pc &&
         b.pc - call.pc <= kLongestCall;
}

}  // namespace

std::string build_trace(const Subject& subject, std::span<const Step> steps,
                        std::span<const Access> accesses, Trace* out) {
  *out = Trace{};
  out->accesses.assign(accesses.begin(), accesses.end());
  CallStack calls;
  std::map<std::uint64_t, std::uint32_t> passes;
  std::vector<std::string> heads;
  for (const Step& step : steps) {
    Boundary b;
    b.pc = step.pc;
    b.sp = step.sp;
    std::ranges::copy(step.preserved, b.preserved);
    b.nth = ++passes[step.pc];
    const auto named = modules_of_process().find(step.pc);
    if (!named) return no_module(step.pc);
    b.symbol = named->symbol;
    b.offset = named->offset;
    b.module = named->module->name;
    b.address = named->linked;
    b.part = subject.part(b.symbol);
    const auto& frame = calls.step_to(step.pc - b.offset, b.offset == 0);
    b.marks = step.marks;
    b.watches = step.watches;
    const bool switched = std::string_view(step.state) != steps.front().state;
    heads.push_back(subject.tells_phases()
                        ? step.state
                        : part_name(b.part, frame.called, switched) + "/" + step.state);
    out->boundaries.push_back(std::move(b));
  }
  find_live(subject, out);
  for (std::size_t i = 0; i + 1 < steps.size(); i++) {
    if (!steps[i].watches || !steps[i + 1].watches) continue;
    for (unsigned w = 0; w < subject.watched().size(); w++) {
      if (steps[i + 1].watched[w] != steps[i].watched[w]) {
        out->boundaries[i].changes |= std::uint32_t{1} << w;
      }
    }
  }
  std::map<std::string, unsigned> counts;
  for (unsigned i = 0; i < out->boundaries.size(); i++) {
    Boundary& b = out->boundaries[i];
    const std::string live = subject.slots().empty() && subject.tells_phases()
                                 ? ""
                                 : "/live=" + live_name(subject, b.live);
    const std::string head = heads[i] + live;
    b.phase = Phase(head, ++counts[head]);
    b.phase_hash = b.phase.hash();
    b.gate = gate_of(out->boundaries, i);
  }
  return {};
}

int Trace::find(const std::string& symbol, std::uint64_t offset, std::uint32_t nth) const {
  for (unsigned i = 0; i < boundaries.size(); i++) {
    const Boundary& b = boundaries[i];
    if (b.symbol == symbol && b.offset == offset && b.nth == nth) return static_cast<int>(i);
  }
  return -1;
}

int Trace::find_phase(const Phase& phase, bool* clamped) const {
  int last = -1;
  *clamped = false;
  for (unsigned i = 0; i < boundaries.size(); i++) {
    if (boundaries[i].phase == phase) return static_cast<int>(i);
    if (boundaries[i].phase.head() == phase.head()) last = static_cast<int>(i);
  }
  *clamped = last >= 0;
  return last;
}

std::string lost_by(const Trace& trace, unsigned which) {
  std::vector<const Boundary*> calls;  // under way, the innermost last
  for (unsigned i = 1; i < trace.boundaries.size(); i++) {
    const Boundary &before = trace.boundaries[i - 1], &here = trace.boundaries[i];
    if (is_call(before, here)) {
      calls.push_back(&before);
      continue;
    }
    const auto call = std::find_if(calls.rbegin(), calls.rend(),
                                   [&](const Boundary* c) { return is_behind(*c, here); });
    if (call == calls.rend()) continue;
    if ((*call)->preserved[which] != here.preserved[which]) {
      return name_of(before) + " comes back to " + name_of(here);
    }
    calls.erase(call.base() - 1, calls.end());
  }
  return {};
}

Prediction predict(const Trace& trace, unsigned boundary, const Site& site, SlotMask written,
                   SlotMask left_zero) {
  const Boundary& b = trace.boundaries[boundary];
  Prediction p;
  p.arguments = b.live_argument & written;
  p.results = b.live & ~b.live_argument & written;
  for (unsigned slot = 0; slot < kMaxSlots; slot++) {
    const SlotMask bit = SlotMask{1} << slot;
    if ((site.zeroed & written & ~left_zero & bit) == 0) continue;
    const NextAccess look = look_ahead(trace, boundary, slot);
    if (look.written_before && !look.write_to_come) p.left |= bit;
  }
  return p;
}

}  // namespace sigsweep
