// Values, registers and boundaries as text.
#include "stress/runner/account.h"

#include <cstdio>

#include "stress/campaign/resolve.h"
#include "stress/trap/arch.h"

namespace sigsweep {
namespace {

Record& add_words(Record& r, const std::string& key, SlotMask which, const std::uint64_t* values) {
  std::string text;
  for (unsigned i = 0; i < subject().slots().size(); i++) {
    if ((which >> i & 1) == 0) continue;
    char word[40];
    std::snprintf(word, sizeof word, "%s%.2s=0x%llx", text.empty() ? "" : ",",
                  subject().slots()[i].data(), static_cast<unsigned long long>(values[i]));
    text += word;
  }
  return r.add(key, text);
}

std::string registers(const ucontext_t& uc) {
  std::string text;
  for (const auto& r : trap::kRegisters) {
    char word[40];
    std::snprintf(word, sizeof word, "%s%s=0x%llx", text.empty() ? "" : ",", r.name,
                  static_cast<unsigned long long>(trap::context_register(&uc, r.index)));
    text += word;
  }
  return text;
}

std::string fault_text(const Observation& seen) {
  char text[80];
  std::snprintf(text, sizeof text, "signal %d at pc 0x%llx, address 0x%llx", seen.fault_signal,
                static_cast<unsigned long long>(seen.fault_pc),
                static_cast<unsigned long long>(seen.fault_address));
  return text;
}

// `call`: what became of the handler's own; null: it did not begin.
void add_injection(Record* r, const PlannedInjection& injection, const Call* call,
                   const Boundary& boundary, const std::string& suffix) {
  add_boundary(r, boundary, suffix);
  const bool calls = injection.handler != kNoHandler;
  r->add("handler" + suffix, calls ? subject().sites()[injection.handler].name : "none")
      .add("signal" + suffix, signal_name(injection.signal))
      .add("by" + suffix, source_name(injection.source));
  if (injection.parent >= 0) r->add("in" + suffix, static_cast<unsigned>(injection.parent) + 1);
  if (!calls) return;
  const Site& site = subject().sites()[injection.handler];
  add_words(*r, "handler_given" + suffix, site.in, injection.in);
  if (call == nullptr) return;
  add_words(*r, "handler_seen" + suffix, site.in, call->seen);
  add_words(*r, "handler_made" + suffix, site.out, call->made);
  add_words(*r, "handler_got" + suffix, site.out, call->got);
}

}  // namespace

void add_boundary(Record* r, const Boundary& b, const std::string& suffix) {
  r->add("symbol" + suffix, b.symbol)
      .add("offset" + suffix, b.offset)
      .add("nth" + suffix, b.nth)
      .add("phase" + suffix, b.phase.text())
      .add("live" + suffix, slot_names(subject(), b.live));
}

Record account_of(const char* word, const Plan& plan, std::span<const Boundary* const> boundaries,
                  const TrialResult& ran, const Judgement& judgement) {
  const Observation& seen = ran.seen;
  const Site& site = subject().sites()[plan.site];
  Record r(word);
  r.add("site", site.name)
      .add("verdict", verdict_name(judgement.verdict))
      .add("slots", slot_names(subject(), judgement.slots))
      .add("detail", judgement.detail == nullptr ? "" : judgement.detail)
      .add("requested", seen.requested)
      .add("landed", seen.landed)
      .add("unreached", seen.unreached())
      .add("injections", plan.injections);
  add_words(r, "given", site.in, seen.op.in);
  add_words(r, "seen", site.in, seen.op.seen);
  add_words(r, "made", site.out, seen.op.made);
  add_words(r, "got", site.out, seen.op.got);
  if (seen.landed > 0) {
    r.add("registers", registers(ran.landed_at));
    add_words(r, "slots_landed", (SlotMask{1} << subject().slots().size()) - 1, ran.slots_landed);
  }
  if (seen.end == End::faulted) r.add("fault", fault_text(seen));
  for (unsigned i = 0; i < plan.injections && i < boundaries.size(); i++) {
    add_injection(&r, plan.injection[i], seen.has_entered(i) ? &seen.handler[i] : nullptr,
                  *boundaries[i], i == 0 ? "" : std::to_string(i + 1));
  }
  return r;
}

}  // namespace sigsweep
