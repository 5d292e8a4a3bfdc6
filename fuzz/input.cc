// Records to plans; plans to a schedule's names.
#include "fuzz/input.h"

#include <signal.h>

#include <algorithm>

#include "stress/campaign/resolve.h"

namespace sigsweep::fuzz {
namespace {

// The engines own the others.
constexpr int kInputSignals[] = {SIGPROF, SIGURG};

// The slot of number `index` among those of a mask.
unsigned slot_among(SlotMask slots, std::uint8_t index) {
  auto skip = wrapped(index, static_cast<std::size_t>(__builtin_popcount(slots)));
  for (; skip > 0; skip--) slots &= slots - 1;
  return static_cast<unsigned>(__builtin_ctz(slots));
}

std::uint64_t fitting(std::uint64_t value) {
  const unsigned bits = subject().word_bits();
  return bits >= 64 ? value : value & ((std::uint64_t{1} << bits) - 1);
}

std::vector<Argument> arguments(SlotMask slots, const std::uint64_t* in) {
  std::vector<Argument> given;
  for (unsigned i = 0; i < subject().slots().size(); i++) {
    if ((slots >> i & 1) != 0) given.push_back({std::string(subject().slots()[i]), in[i]});
  }
  return given;
}

std::string signal_name(int signal) {
  const auto is_it = [signal](std::string_view name) { return signal_number(name) == signal; };
  return std::string(*std::find_if(std::begin(kSignals), std::end(kSignals), is_it));
}

Injection injection_of(const PlannedInjection& planned, const Grounds::Place& place) {
  Injection injection;
  injection.signal = signal_name(planned.signal);
  injection.at = place.at;
  injection.phase = place.phase;
  injection.by = planned.source;
  injection.handler = "none";
  if (planned.parent >= 0) injection.in = static_cast<std::uint32_t>(planned.parent) + 1;
  if (planned.handler != kNoHandler) {
    const Site& handler = subject().sites()[planned.handler];
    injection.handler = handler.name;
    injection.args = arguments(handler.in, planned.in);
  }
  return injection;
}

}  // namespace

bool Planned::handler_calls() const {
  return std::any_of(plan.injection, plan.injection + plan.injections,
                     [](const PlannedInjection& i) { return i.handler != kNoHandler; });
}

Input::Input(std::span<const std::uint8_t> bytes, const Choice& choice, const Ground& ground)
    : bytes_(bytes), choice_(choice), ground_(ground), count_(record_count(bytes)) {
  const ByteRecord first = ByteRecord::read(bytes, 0);
  const auto protocols = static_cast<unsigned>(subject().protocols().size());
  protocol_ = Choice::among(choice.protocols, first.byte[0], protocols);
  seed_ = first.value();
}

bool Input::next(Planned* out) {
  if (at_ == count_ || operations_++ == choice_.operations) return false;
  const auto sites = static_cast<unsigned>(subject().sites().size());
  Plan& plan = out->plan;
  plan.protocol = protocol_;
  plan.site = Choice::among(choice_.sites, ByteRecord::read(bytes_, at_++).index(), sites);
  plan.injections = 0;
  draw_nonces(seed_, 0, subject().word_bits(), plan.in);
  bool left_out = false;  // the injection that arguments belong to
  bool to_operation = true;
  for (; at_ < count_; at_++) {
    const ByteRecord record = ByteRecord::read(bytes_, at_);
    if (record.kind() == ByteRecord::Kind::operation) break;
    if (record.kind() == ByteRecord::Kind::injection) {
      const unsigned before = plan.injections;
      add(record, out);
      left_out = plan.injections == before;
      to_operation = false;
    } else if (record.kind() == ByteRecord::Kind::argument && !left_out) {
      give(record, out, to_operation);
    }
  }
  return true;
}

void Input::add(const ByteRecord& record, Planned* out) const {
  Plan& plan = out->plan;
  if (plan.injections == choice_.injections) return;
  const unsigned index = plan.injections;
  PlannedInjection& p = plan.injection[index];
  p.parent = static_cast<int>(wrapped(record.in(), index + 1)) - 1;
  const Path& path = p.parent < 0
                         ? ground_.operation(plan.protocol, plan.site)
                         : ground_.handler(plan.protocol, plan.injection[p.parent].handler);
  const std::size_t number = wrapped(record.phase(), path.way->size());
  const PhaseOfWay& phase = (*path.way)[number];
  const Spot& spot = phase.spots[wrapped(record.nth(), phase.spots.size())];
  unsigned nesting = 0;
  for (int i = p.parent; i >= 0; i = plan.injection[i].parent) nesting++;
  for (unsigned i = 0; i < index; i++) {
    if (plan.injection[i].parent != p.parent) continue;
    if (p.parent >= 0 || out->spot[i] == &spot) return;
  }
  p.pc = spot.pc;
  p.nth = spot.nth;
  p.gate = spot.gate;
  const auto source = static_cast<Source>(wrapped(record.source(), std::size(kSourceNames)));
  const auto& sources = choice_.sources;
  p.source = std::ranges::find(sources, source) != sources.end()
                 ? source
                 : sources[wrapped(record.source(), sources.size())];
  p.signal = p.source == Source::itimer
                 ? SIGALRM
                 : kInputSignals[wrapped(record.signal(), std::size(kInputSignals))];
  const auto& handlers = choice_.handlers;
  p.handler = handlers[wrapped(record.index(), handlers.size())];
  draw_nonces(seed_, kHandlerLevel + index, subject().word_bits(), p.in);
  out->phase[index] = &phase;
  out->spot[index] = &spot;
  out->row[index] = path.rows[number][std::min(nesting, kNestings - 1)];
  plan.injections++;
}

void Input::give(const ByteRecord& record, Planned* out, bool to_operation) const {
  Plan& plan = out->plan;
  PlannedInjection* const last = to_operation ? nullptr : &plan.injection[plan.injections - 1];
  if (last != nullptr && last->handler == kNoHandler) return;
  const Site& site = subject().sites()[last != nullptr ? last->handler : plan.site];
  if (site.in == 0) return;
  (last != nullptr ? last->in : plan.in)[slot_among(site.in, record.index())] =
      fitting(record.value());
}

Schedule schedule_of(std::span<const Planned> operations, std::uint64_t seed,
                     const Judgement* judgement) {
  Schedule schedule;
  schedule.isa = subject().isa();
  schedule.protocol = subject().protocols()[operations[0].plan.protocol].name;
  schedule.seed = seed;
  for (const Planned& planned : operations) {
    const Site& site = subject().sites()[planned.plan.site];
    Operation op{std::string(site.name), arguments(site.in, planned.plan.in), {}};
    for (unsigned i = 0; i < planned.plan.injections; i++) {
      op.injections.push_back(
          injection_of(planned.plan.injection[i], place_of(*planned.phase[i], *planned.spot[i])));
    }
    schedule.operations.push_back(std::move(op));
  }
  if (judgement != nullptr) {
    const std::vector<Argument> hurt = arguments(judgement->slots, operations.back().plan.in);
    schedule.expect = {std::string(verdict_name(judgement->verdict)),
                       hurt.empty() ? "" : hurt.front().slot};
  }
  return schedule;
}

bool bytes_of(const Schedule& schedule, Ground* ground, std::vector<std::uint8_t>* bytes,
              std::string* why) {
  Schedule here = schedule;  // with this build's boundaries
  for (unsigned i = 0; i < schedule.operations.size(); i++) {
    Resolved resolved;
    const Unresolved problem = resolve(subject(), schedule, i, ground->ways()->traces(), &resolved);
    if (!problem.message.empty()) {
      *why = problem.message;
      return false;
    }
    for (std::size_t k = 0; k < resolved.boundaries.size(); k++) {
      const Boundary& b = *resolved.boundaries[k];
      here.operations[i].injections[k].at = {b.symbol, b.offset, b.nth};
      here.operations[i].injections[k].phase = b.phase;
    }
  }
  *bytes = to_bytes(here, catalog_of(subject()), ground);
  return true;
}

}  // namespace sigsweep::fuzz
