// Indices, masks and contexts as names and values.
#include "stress/runner/account.h"

#include <cstdio>

#include "stress/campaign/resolve.h"
#include "stress/trap/arch.h"

namespace sigsweep {
namespace {

Values values_of(const Subject& subject, SlotMask which, const std::uint64_t* values) {
  Values named;
  for (unsigned i = 0; i < subject.slots().size(); i++) {
    if ((which >> i & 1) != 0) named.push_back({std::string(subject.slots()[i]), values[i]});
  }
  return named;
}

Values registers(const ucontext_t& uc) {
  Values named;
  for (const auto& r : trap::kRegisters) {
    named.push_back({std::string(r.name), trap::context_register(&uc, r.index)});
  }
  return named;
}

std::string fault_text(const Observation& seen) {
  char text[80];
  std::snprintf(text, sizeof text, "signal %d at pc 0x%llx, address 0x%llx", seen.fault_signal,
                static_cast<unsigned long long>(seen.fault_pc),
                static_cast<unsigned long long>(seen.fault_address));
  return text;
}

std::string backtrace_text(const Backtrace& backtrace) {
  return std::string(grade_name(backtrace.grade)) +
         "; by frame pointers: " + std::string(grade_name(backtrace.by_frame_pointers));
}

CallAccount account_of(const Subject& subject, const Site& site, const Call& call) {
  return {values_of(subject, site.in, call.seen), values_of(subject, site.out, call.made),
          values_of(subject, site.out, call.got), call.fn_runs > 0};
}

// `call`: the handler's own, as it went; null: it did not begin.
InjectionAccount account_of(const Subject& subject, const PlannedInjection& planned,
                            const Call* call, const Boundary& boundary) {
  const BoundaryAccount where = account_of(subject, boundary);
  InjectionAccount injection;
  injection.live = where.live;
  injection.module = where.module;
  injection.address = where.address;
  injection.planned.at = where.at;
  injection.planned.phase = where.phase;
  injection.planned.handler = handler_name(subject, planned.handler);
  injection.planned.signal = signal_name(planned.signal);
  injection.planned.by = planned.source;
  if (planned.parent >= 0) injection.planned.in = static_cast<std::uint32_t>(planned.parent) + 1;
  if (!calls_subject(planned.handler)) return injection;
  const Site& site = subject.sites()[planned.handler];
  injection.planned.args = values_of(subject, site.in, planned.in);
  if (call != nullptr) injection.call = account_of(subject, site, *call);
  return injection;
}

}  // namespace

BoundaryAccount account_of(const Subject& subject, const Boundary& b) {
  return {BoundaryName{b.symbol, b.offset, b.nth}, b.phase, slot_names(subject, b.live), b.module,
          b.module.empty() ? 0 : b.address};
}

Account account_of(const Subject& subject, const Plan& plan,
                   std::span<const Boundary* const> boundaries, const TrialResult& ran,
                   const Judgement& judgement) {
  const Observation& seen = ran.seen;
  const Site& site = subject.sites()[plan.site];
  Account account;
  account.site = site.name;
  account.verdict = judgement.verdict;
  account.slots = slot_list(subject, judgement.slots);
  account.detail = judgement.detail == nullptr ? "" : judgement.detail;
  account.requested = seen.requested;
  account.landed = seen.landed;
  account.unreached = seen.unreached();
  account.given = values_of(subject, site.in, seen.op.in);
  account.call = account_of(subject, site, seen.op);
  if (seen.landed > 0) {
    account.registers = registers(ran.landed_at);
    account.slots_landed = values_of(subject, ~SlotMask{0}, ran.slots_landed);
  }
  if (seen.end == End::faulted) account.fault = fault_text(seen);
  if (seen.backtrace.taken) account.backtrace = backtrace_text(seen.backtrace);
  for (unsigned i = 0; i < plan.injections && i < boundaries.size(); i++) {
    account.injections.push_back(account_of(subject, plan.injection[i],
                                            seen.has_entered(i) ? &seen.handler[i] : nullptr,
                                            *boundaries[i]));
  }
  return account;
}

}  // namespace sigsweep
