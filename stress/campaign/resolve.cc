// Names to indices and addresses. The boundary of an injection is found by its name. If its phase
// differs from the schedule's (another compiler or build), it is found by its phase. Of several
// boundaries of that phase, the expected verdict decides, if a trace foretells it.
#include "stress/campaign/resolve.h"

#include <algorithm>

#include "stress/oracle/oracle.h"
#include "stress/trap/arch.h"

namespace sigsweep {
namespace {

template <class Range>
int index_of(const Range& range, std::string_view name) {
  int i = 0;
  for (const auto& item : range) {
    if (item.name == name) return i;
    i++;
  }
  return -1;
}

void give(const Subject& subject, const std::vector<Argument>& args, std::uint64_t* in) {
  for (const Argument& a : args) {
    const int slot = find_slot(subject, a.slot);
    if (slot >= 0) in[slot] = a.value;
  }
}

std::string boundary_name(const BoundaryName& at) {
  char offset[24];
  std::snprintf(offset, sizeof offset, "+0x%llx", static_cast<unsigned long long>(at.offset));
  return at.symbol + offset + (at.nth == 1 ? "" : " nth=" + std::to_string(at.nth));
}

std::string symbols_of(const Trace& trace) {
  std::string names;
  for (const Boundary& b : trace.boundaries) {
    if (b.offset != 0 || (", " + names + ",").find(", " + b.symbol + ",") != names.npos) continue;
    names += (names.empty() ? "" : ", ") + b.symbol;
  }
  return names;
}

// The boundary of this injection; -1 and why not.
int find_boundary(const Trace& trace, const Injection& injection, std::string* why,
                  std::vector<std::string>* notes) {
  const int named = trace.find(injection.at.symbol, injection.at.offset, injection.at.nth);
  if (injection.phase.empty()) {
    if (named < 0) {
      *why = boundary_name(injection.at) +
             " is no boundary of the code that it interrupts, which runs through " +
             symbols_of(trace) + "; give an offset where an instruction starts, or a phase";
    }
    return named;
  }
  if (named >= 0 && trace.boundaries[static_cast<unsigned>(named)].phase == injection.phase)
    return named;
  bool clamped = false;
  const int by_phase = trace.find_phase(injection.phase, &clamped);
  if (by_phase < 0) {
    *why = "neither " + boundary_name(injection.at) + " with phase " + injection.phase.text() +
           " nor any boundary of that phase exists in this build";
    return -1;
  }
  const Boundary& b = trace.boundaries[static_cast<unsigned>(by_phase)];
  notes->push_back("boundary found by its phase" + std::string(clamped ? " (the last such)" : "") +
                   ": " + boundary_name(BoundaryName{b.symbol, b.offset, b.nth}) + " " +
                   b.phase.text());
  return by_phase;
}

// A phase may have fewer boundaries here than in the schedule's build, so two injections may find
// the same one. Then: the nearest of that phase where none lands yet. -1: there is none.
template <class Taken>
int nearest_free(const Trace& trace, int found, const Taken& is_taken) {
  const auto head = [&](int i) -> const std::string& {
    return trace.boundaries[static_cast<unsigned>(i)].phase.head();
  };
  const int count = static_cast<int>(trace.boundaries.size());
  for (int distance = 1; distance < count; distance++) {
    for (const int i : {found - distance, found + distance}) {
      if (i < 0 || i >= count || head(i) != head(found)) continue;
      if (!is_taken(trace.boundaries[static_cast<unsigned>(i)])) return i;
    }
  }
  return -1;
}

}  // namespace

Catalog catalog_of(const Subject& subject) {
  Catalog catalog;
  catalog.isa = subject.isa();
  catalog.isas.assign(std::begin(kIsas), std::end(kIsas));
  for (const Protocol& p : subject.protocols()) catalog.protocols.emplace_back(p.name);
  for (std::string_view v : kVerdictNames) catalog.verdicts.emplace_back(v);
  for (std::string_view s : subject.slots()) catalog.slots.emplace_back(s);
  catalog.handlers.push_back({std::string(kNoHandlerName), {}});
  for (const Site& site : subject.sites()) {
    CatalogEntry entry{std::string(site.name), slot_list(subject, site.in)};
    if (site.handler) catalog.handlers.push_back(entry);
    if (!site.only_handles) catalog.sites.push_back(std::move(entry));
  }
  // The last: a handler's number in an input of a fuzz target stays.
  if (trap::kUnwindsAnywhere) catalog.handlers.push_back({std::string(kObserveName), {}});
  catalog.word_bits = subject.word_bits();
  for (const Record& r : subject.identity()) {
    if (r.word() != "adapter") continue;
    catalog.adapter = AdapterIdentity{r.text("name"), r.text("version"), r.text("build")};
  }
  return catalog;
}

int find_protocol(const Subject& subject, std::string_view name) {
  return index_of(subject.protocols(), name);
}
int find_site(const Subject& subject, std::string_view name) {
  return index_of(subject.sites(), name);
}
int find_slot(const Subject& subject, std::string_view name) {
  for (unsigned i = 0; i < subject.slots().size(); i++) {
    if (subject.slots()[i] == name) return static_cast<int>(i);
  }
  return -1;
}

std::string_view handler_name(const Subject& subject, unsigned handler) {
  if (calls_subject(handler)) return subject.sites()[handler].name;
  return handler == kObserve ? kObserveName : kNoHandlerName;
}
unsigned handler_named(const Subject& subject, std::string_view name) {
  if (name == kNoHandlerName) return kNoHandler;
  return name == kObserveName ? kObserve : static_cast<unsigned>(find_site(subject, name));
}

std::vector<std::string> slot_list(const Subject& subject, SlotMask slots) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < subject.slots().size(); i++) {
    if ((slots >> i & 1) != 0) names.emplace_back(subject.slots()[i]);
  }
  return names;
}

std::string slot_names(const Subject& subject, SlotMask slots) {
  std::string joined;
  for (const std::string& name : slot_list(subject, slots))
    joined += (joined.empty() ? "" : "+") + name;
  return joined.empty() ? "-" : joined;
}

namespace {

// The plan of an operation, without the places of its signals.
Plan plan_of(const Subject& subject, const Schedule& schedule, const Operation& op) {
  Plan plan;
  plan.protocol = static_cast<unsigned>(find_protocol(subject, schedule.protocol));
  plan.site = static_cast<unsigned>(find_site(subject, op.site));
  draw_nonces(schedule.seed, 0, subject.word_bits(), plan.in);
  give(subject, op.args, plan.in);
  return plan;
}

PlannedInjection planned(const Subject& subject, const Schedule& schedule, const Operation& op,
                         unsigned index) {
  const Injection& injection = op.injections[index];
  PlannedInjection p;
  if (injection.in) p.parent = static_cast<int>(*injection.in) - 1;
  p.signal = *signal_number(injection.signal);
  p.source = injection.by;
  p.handler = handler_named(subject, injection.handler);
  draw_nonces(schedule.seed, kHandlerLevel + index, subject.word_bits(), p.in);
  give(subject, injection.args, p.in);
  return p;
}

bool is_named(const Boundary& b, const Injection& injection) {
  return BoundaryName{b.symbol, b.offset, b.nth} == injection.at;
}

// Boundaries of one phase may differ in what follows: whether a slot will be cleared once more. So
// an injection may have to move if none is foretold to give the expected verdict (ok asks for
// nothing). The first one that was found by its phase, and would give it at another boundary of
// that phase, lands there.
void land_where_expected(const Subject& subject, const Operation& op, Verdict expected,
                         const Trace& trace, Resolved* out) {
  Plan& plan = out->plan;
  const auto sites = subject.sites();
  const Boundary* const first = trace.boundaries.data();
  const auto gives = [&](unsigned i, const Boundary& b) {
    const unsigned handler = plan.injection[i].handler;
    const Site* const calls = calls_subject(handler) ? &sites[handler] : nullptr;
    return foretell(trace, static_cast<unsigned>(&b - first), subject.protocols()[plan.protocol],
                    sites[plan.site], calls)
               .verdict == expected;
  };
  const auto lands = [&](const Boundary& b) {
    return std::ranges::find(out->boundaries, &b) != out->boundaries.end();
  };
  const auto is_outer = [&](unsigned i) { return plan.injection[i].parent < 0; };
  for (unsigned i = 0; i < plan.injections; i++) {
    if (is_outer(i) && gives(i, *out->boundaries[i])) return;
  }
  for (unsigned i = 0; i < plan.injections; i++) {
    const Boundary& found = *out->boundaries[i];
    if (!is_outer(i) || is_named(found, op.injections[i])) continue;
    const int other = nearest_free(trace, static_cast<int>(&found - first),
                                   [&](const Boundary& b) { return lands(b) || !gives(i, b); });
    if (other < 0) continue;
    out->boundaries[i] = &trace.boundaries[static_cast<unsigned>(other)];
    plan.injection[i].land_at(*out->boundaries[i]);
    out->notes.push_back("and moved to where " + std::string(verdict_name(expected)) +
                         " is foretold: " + out->boundaries[i]->phase.text());
    return;
  }
}

}  // namespace

Foretold foretell(const Trace& trace, unsigned boundary, const Protocol& protocol, const Site& site,
                  const Site* handler) {
  const bool writes = handler != nullptr && protocol.slots_in_handler && !protocol.keeps_slots;
  const Prediction spoilt = predict(trace, boundary, site, writes ? handler->written : 0,
                                    writes ? handler->left_zero : 0);
  return {spoilt, spoilt.arguments != 0 ? Verdict::arg_clobbered
                  : spoilt.results != 0 ? Verdict::result_clobbered
                  : spoilt.left != 0    ? Verdict::slot_leak
                                        : Verdict::ok};
}

Unresolved resolve(const Subject& subject, const Schedule& schedule, unsigned index, Traces* traces,
                   Resolved* out) {
  *out = Resolved{};
  const Operation& op = schedule.operations[index];
  Plan& plan = out->plan;
  plan = plan_of(subject, schedule, op);
  for (unsigned i = 0; i < op.injections.size(); i++) {
    const Injection& injection = op.injections[i];
    if (i == kMaxInjections) {
      return {"more than " + std::to_string(kMaxInjections) + " injections in one operation",
              injection.place};
    }
    PlannedInjection& p = plan.injection[plan.injections++];
    p = planned(subject, schedule, op, i);
    const Trace* trace = nullptr;
    const std::string problem =
        p.parent < 0 ? traces->of_operation(plan.protocol, plan.site, &trace)
                     : traces->of_handler(plan.protocol, plan.injection[p.parent].handler, &trace);
    if (!problem.empty()) return {problem, injection.place, true};
    std::string why;
    int boundary = find_boundary(*trace, injection, &why, &out->notes);
    if (boundary < 0) return {why, injection.place};
    const auto landed_by = [&](const Boundary& b) {  // the earlier injection; i: none
      unsigned earlier = 0;
      while (earlier < i &&
             (out->boundaries[earlier] != &b || plan.injection[earlier].parent != p.parent)) {
        earlier++;
      }
      return earlier;
    };
    const auto at = [&] { return &trace->boundaries[static_cast<unsigned>(boundary)]; };
    const unsigned earlier = landed_by(*at());
    const bool named = is_named(*at(), injection);
    if (earlier < i && !named) {
      boundary =
          nearest_free(*trace, boundary, [&](const Boundary& b) { return landed_by(b) < i; });
      if (boundary >= 0)
        out->notes.push_back("and moved, because another lands there: " + at()->phase.text());
    }
    if (boundary < 0 || (earlier < i && named)) {
      return {"injection " + std::to_string(earlier + 1) +
                  " lands there already; allowed: another boundary, or in=" +
                  std::to_string(earlier + 1) + " to nest in its handler",
              injection.place};
    }
    p.land_at(*at());
    out->boundaries.push_back(at());
  }
  const bool is_last = index + 1 == schedule.operations.size();
  if (is_last && schedule.expect && schedule.expect->verdict != verdict_name(Verdict::ok) &&
      !op.injections.empty()) {
    const Trace* trace = nullptr;
    const std::string problem = traces->of_operation(plan.protocol, plan.site, &trace);
    if (!problem.empty()) return {problem, op.injections[0].place, true};
    land_where_expected(subject, op, *verdict_from_name(schedule.expect->verdict), *trace, out);
  }
  return {};
}

void resolve_by_address(const Subject& subject, const Schedule& schedule, unsigned index,
                        std::uint64_t (*address_of)(const BoundaryName&), Resolved* out) {
  *out = Resolved{};
  const Operation& op = schedule.operations[index];
  out->plan = plan_of(subject, schedule, op);
  for (unsigned i = 0; i < op.injections.size() && i < kMaxInjections; i++) {
    PlannedInjection& p = out->plan.injection[out->plan.injections++];
    p = planned(subject, schedule, op, i);
    p.source = Source::external;
    p.pc = address_of(op.injections[i].at);
  }
}

}  // namespace sigsweep
