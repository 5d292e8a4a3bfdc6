// One walk over the fields in each direction; both must name them in the same order.
#include "stress/runner/schedule_bytes.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace sigsweep {
namespace {

// ---- writing

class Writer {
 public:
  void byte(std::uint64_t value) { bytes.push_back(static_cast<std::uint8_t>(value)); }
  void flag(bool value) { byte(value ? 1 : 0); }
  // Seven bits a byte, the lowest first.
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte((value & 0x7f) | 0x80);
    byte(value);
  }
  void text(std::string_view value) {
    number(value.size());
    bytes.insert(bytes.end(), value.begin(), value.end());
  }
  template <class Range>
  void name(std::string_view value, const Range& names) {
    number(static_cast<std::uint64_t>(std::ranges::find(names, value) - std::ranges::begin(names)));
  }
  void entry(std::string_view value, const std::vector<CatalogEntry>& entries) {
    number(static_cast<std::uint64_t>(std::ranges::find(entries, value, &CatalogEntry::name) -
                                      entries.begin()));
  }

  std::vector<std::uint8_t> bytes;
};

void write_arguments(Writer* w, const std::vector<Argument>& args, const CatalogEntry& owner) {
  for (const Argument& arg : args) {
    w->flag(true);
    w->name(arg.slot, owner.slots);
    w->number(arg.value);
  }
  w->flag(false);
}

const CatalogEntry& entry_of(const std::vector<CatalogEntry>& entries, std::string_view name) {
  return *std::ranges::find(entries, name, &CatalogEntry::name);
}

void write_injection(Writer* w, const Injection& injection, const Catalog& catalog) {
  w->entry(injection.handler, catalog.handlers);
  w->number(static_cast<std::uint64_t>(injection.by));
  w->name(injection.signal, kSignals);
  w->number(injection.in.value_or(0));
  w->text(injection.at.symbol);
  w->number(injection.at.offset);
  w->number(injection.at.nth - 1);
  w->text(injection.phase);
  write_arguments(w, injection.args, entry_of(catalog.handlers, injection.handler));
}

// ---- reading

class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, const Catalog& catalog)
      : rest_(bytes), catalog_(catalog) {}

  Schedule schedule();

 private:
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  bool flag() { return (byte() & 1) != 0; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      value |= std::uint64_t{next & 0x7fU} << shift;
      if (next < 0x80) break;
    }
    return value;
  }
  std::string text() {
    const std::uint64_t asked = number();  // first: it takes from what is left
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(asked, rest_.size()));
    std::string value(rest_.begin(), rest_.begin() + static_cast<long>(size));
    rest_ = rest_.subspan(size);
    return value;
  }
  template <class Range>
  const auto& pick(const Range& range) {
    return range[static_cast<std::size_t>(number() % std::ranges::size(range))];
  }
  std::vector<Argument> arguments(const CatalogEntry& owner);
  Injection injection(std::size_t earlier);
  Operation operation();

  std::span<const std::uint8_t> rest_;
  const Catalog& catalog_;
};

std::vector<Argument> Reader::arguments(const CatalogEntry& owner) {
  std::vector<Argument> args;
  const std::uint64_t mask =
      catalog_.word_bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << catalog_.word_bits) - 1;
  while (flag() && !owner.slots.empty()) {
    const std::string& slot = pick(owner.slots);
    const std::uint64_t value = number() & mask;
    if (std::ranges::find(args, slot, &Argument::slot) == args.end()) args.push_back({slot, value});
  }
  return args;
}

// A symbol that the text form can hold.
std::string as_symbol(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c <= ' ' || c > '~' || c == '+' || c == '#'; }, '_');
  return text.empty() ? "_" : text;
}

Injection Reader::injection(std::size_t earlier) {
  Injection injection;
  const CatalogEntry& handler = pick(catalog_.handlers);
  injection.handler = handler.name;
  injection.by = static_cast<Source>(number() % std::size(kSourceNames));
  injection.signal = pick(kSignals);
  if ((injection.by == Source::itimer) != (injection.signal == "SIGALRM")) {
    injection.signal = injection.by == Source::itimer ? "SIGALRM" : "SIGPROF";
  }
  const std::uint64_t in = number() % (earlier + 1);
  if (in != 0) injection.in = static_cast<std::uint32_t>(in);
  injection.at.symbol = as_symbol(text());
  injection.at.offset = number();
  injection.at.nth = static_cast<std::uint32_t>(number() % 0xffffffffU) + 1;
  injection.phase = text();
  if (!is_phase(injection.phase)) injection.phase.clear();
  injection.args = arguments(handler);
  return injection;
}

Operation Reader::operation() {
  Operation op;
  const CatalogEntry& site = pick(catalog_.sites);
  op.site = site.name;
  op.args = arguments(site);
  while (op.injections.size() < kMaxScheduleInjections && flag()) {
    op.injections.push_back(injection(op.injections.size()));
  }
  return op;
}

Schedule Reader::schedule() {
  Schedule schedule;
  schedule.isa = pick(catalog_.isas);
  schedule.protocol = pick(catalog_.protocols);
  schedule.seed = number();
  do {
    schedule.operations.push_back(operation());
  } while (schedule.operations.size() < kMaxScheduleOperations && flag());
  if (flag()) {
    Expectation expect;
    expect.verdict = pick(catalog_.verdicts);
    if (flag() && !catalog_.slots.empty()) expect.slot = pick(catalog_.slots);
    schedule.expect = std::move(expect);
  }
  schedule.origin = text();
  return schedule;
}

}  // namespace

std::vector<std::uint8_t> to_bytes(const Schedule& schedule, const Catalog& catalog) {
  Writer w;
  w.name(schedule.isa, catalog.isas);
  w.name(schedule.protocol, catalog.protocols);
  w.number(schedule.seed);
  for (const Operation& op : schedule.operations) {
    if (&op != schedule.operations.data()) w.flag(true);
    w.entry(op.site, catalog.sites);
    write_arguments(&w, op.args, entry_of(catalog.sites, op.site));
    for (const Injection& injection : op.injections) {
      w.flag(true);
      write_injection(&w, injection, catalog);
    }
    if (op.injections.size() < kMaxScheduleInjections) w.flag(false);
  }
  if (schedule.operations.size() < kMaxScheduleOperations) w.flag(false);
  w.flag(schedule.expect.has_value());
  if (schedule.expect) {
    w.name(schedule.expect->verdict, catalog.verdicts);
    w.flag(!schedule.expect->slot.empty());
    if (!schedule.expect->slot.empty()) w.name(schedule.expect->slot, catalog.slots);
  }
  w.text(schedule.origin);
  return std::move(w.bytes);
}

Schedule from_bytes(std::span<const std::uint8_t> bytes, const Catalog& catalog) {
  const Schedule decoded = Reader(bytes, catalog).schedule();
  // The text form decides what is valid; what informs only (origin) it puts in order.
  const auto parsed = parse_schedule(print_schedule(decoded), "", catalog);
  if (!std::holds_alternative<Schedule>(parsed)) std::abort();  // the two forms have parted
  return std::get<Schedule>(parsed);
}

}  // namespace sigsweep
