// The assembly against the same operations on Boost.Context (model.h), one operation after the
// other, with signals landed in the assembly's: any difference is a crash. In the safe protocols a
// signal changes no result of an operation. A rejected signal ends the operation; its events until
// then must be how the model's begin.
#include <algorithm>
#include <cstring>

#include "fuzz/model.h"
#include "fuzz/trial_target.h"

namespace sigsweep::fuzz {
namespace {

using onm::Event;
using onm::Events;

const char* what_name(onm::What what) {
  constexpr const char* kNames[] = {"the call begins", "fn runs", "the call is over"};
  return kNames[static_cast<unsigned>(what)];
}

std::string text_of(const Event& e, const Call* op) {
  const auto who = [](unsigned number) {
    if (number == onm::kNobody) return std::string("nobody");
    if (number == onm::kG0) return std::string("g0");
    if (number == onm::kGsignal) return std::string("gsignal");
    return "G" + std::to_string(number - onm::number_of_goid(0));
  };
  const std::string whose = e.call == nullptr ? "the waker's: " : e.call == op ? "" : "inner: ";
  return whose + what_name(e.what) + " g=" + who(e.g) + " sp=" + who(e.stack) +
         " curg=" + who(e.curg) + (e.saved ? ", saved" : "");
}

// The assembly's results, in the model's terms.
struct Seen {
  const Observation& seen;
  Events events;  // only the operation's, without the handlers' own calls

  explicit Seen(const Observation& o) : seen(o) {
    const Events& all = onm::events();
    for (unsigned i = 0; i < std::min(all.count, onm::kMaxEvents); i++) {
      const Call* call = all.event[i].call;
      if (call != nullptr && call != &o.op && call != &o.op_inner) continue;
      events.event[events.count++] = all.event[i];
    }
  }
};

std::string order_difference(const Seen& assembly, const Shown& model, bool to_the_end) {
  const Events &a = assembly.events, &b = model.events;
  const auto level = [](const Call* call, const Call* op) {
    return call == nullptr ? 0 : call == op ? 1 : 2;
  };
  const auto text = [](const Events& events, unsigned i, const Call* op) {
    return i < events.count ? text_of(events.event[i], op) : std::string("nothing more");
  };
  const unsigned count = to_the_end ? std::max(a.count, b.count) : a.count;
  for (unsigned i = 0; i < count; i++) {
    const Event &x = a.event[i], &y = b.event[i];
    const bool same = i < a.count && i < b.count && x.what == y.what && x.g == y.g &&
                      x.stack == y.stack && x.curg == y.curg && x.saved == y.saved &&
                      level(x.call, &assembly.seen.op) == level(y.call, &model.op);
    if (same) continue;
    return "step " + std::to_string(i + 1) + ": assembly: " + text(a, i, &assembly.seen.op) +
           "; Boost.Context: " + text(b, i, &model.op);
  }
  return {};
}

std::string value_difference(const char* whose, const Call& a, const Call& b) {
  const auto differ = [](const std::uint64_t* x, const std::uint64_t* y) {
    return !std::equal(x, x + kMaxSlots, y);
  };
  const char* what = nullptr;
  if (differ(a.seen, b.seen)) what = "fn was given other arguments";
  if (differ(a.made, b.made)) what = "fn answered otherwise";
  if (differ(a.got, b.got)) what = "the caller got other results";
  if (a.fn_runs != b.fn_runs) what = "fn ran another number of times";
  if (a.returns != b.returns) what = "it came back another number of times";
  return what == nullptr ? "" : std::string(whose) + what;
}

std::string end_difference(const Seen& assembly, const Shown& model) {
  const Observation& o = assembly.seen;
  std::string why = value_difference("", o.op, model.op);
  if (why.empty()) why = value_difference("the call within fn: ", o.op_inner, model.inner);
  for (unsigned i = 0; i < kMaxSlots && why.empty(); i++) {
    std::uint64_t left = 0;
    std::memcpy(&left, subject().slot_address(i), subject().word_bits() / 8);
    if (left != model.slots[i]) why = std::string(subject().slots()[i]) + " is left otherwise";
  }
  if (!why.empty()) return why;
  const char* thrown = o.end == End::thrown ? o.message : nullptr;
  if ((thrown == nullptr) != (model.thrown == nullptr) ||
      (thrown != nullptr && std::strcmp(thrown, model.thrown) != 0)) {
    return "it ended otherwise";
  }
  if (o.leaked != model.lost) return "other registers are kept";
  return onm::world() == model.world ? "" : "the scheduler is left otherwise";
}

class Backend final : public TrialTarget {
 public:
  const char* name() const override { return "backend_fuzzer"; }

 protected:
  std::vector<std::string_view> default_protocols() const override { return safe_protocols(); }

  std::string finding(const Planned& planned, const Observation& seen,
                      const Judgement& judgement) const override {
    if (is_violation(planned, judgement.verdict)) return "not allowed: " + told(judgement);
    const Shown& model = run_model(planned.plan.protocol, planned.plan.site, planned.plan.in);
    const Seen assembly(seen);
    const bool to_the_end = judgement.verdict == Verdict::ok;
    std::string why = order_difference(assembly, model, to_the_end);
    if (why.empty() && to_the_end) why = end_difference(assembly, model);
    return why.empty() ? "" : "differs from Boost.Context: " + why;
  }
};

}  // namespace

Target& target() {
  static Backend the_target;
  return the_target;
}

}  // namespace sigsweep::fuzz
