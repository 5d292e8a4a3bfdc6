// Records to names and back. Both directions go through the same fields in the same order.
#include "stress/schedule/schedule_bytes.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace sigsweep {
namespace {

// What a detail tells about the injection before it (up to PHASE) or about the schedule. Text comes
// in pieces.
enum Role : std::uint8_t {
  SYMBOL,
  OFFSET,
  PASS,  // which one, from 0
  PHASE,
  ISA,
  VERDICT,
  SLOT,
  ORIGIN,
  kRoles
};
constexpr std::size_t kSourcesOfBytes =
    6;                             // those that a corpus may hold: a source that came later is none
constexpr std::size_t kPiece = 8;  // bytes of text in a detail; zeros at the end do not count

std::string_view handled(const Operation& op, const Injection& injection) {
  return injection.in ? std::string_view(op.injections[*injection.in - 1].handler) : op.site;
}

// ---- writing

class Writer {
 public:
  Writer(const Schedule& schedule, const Catalog& catalog, const Grounds* grounds)
      : schedule_(schedule), catalog_(catalog), grounds_(grounds) {}
  std::vector<std::uint8_t> bytes();

 private:
  void add(const ByteRecord& record) {
    bytes_.insert(bytes_.end(), std::begin(record.byte), std::end(record.byte));
  }
  void detail(Role role, std::uint64_t value) {
    add(ByteRecord::make(ByteRecord::Kind::detail, role, value));
  }
  void text(Role role, std::string_view value) {
    for (std::size_t at = 0; at < value.size(); at += kPiece) {
      ByteRecord record = ByteRecord::make(ByteRecord::Kind::detail, role);
      std::ranges::copy(value.substr(at, kPiece), record.byte + 2);
      add(record);
    }
  }
  template <class Range>
  static std::uint8_t index_of(std::string_view value, const Range& names) {
    return static_cast<std::uint8_t>(std::ranges::find(names, value) - std::ranges::begin(names));
  }
  static std::uint8_t index_of(std::string_view name, const std::vector<CatalogEntry>& entries) {
    return static_cast<std::uint8_t>(std::ranges::find(entries, name, &CatalogEntry::name) -
                                     entries.begin());
  }
  void arguments(const std::vector<Argument>& args, const CatalogEntry& owner);
  void injection(const Operation& op, const Injection& injection);

  const Schedule& schedule_;
  const Catalog& catalog_;
  const Grounds* grounds_;
  std::vector<std::uint8_t> bytes_;
};

void Writer::arguments(const std::vector<Argument>& args, const CatalogEntry& owner) {
  for (const Argument& arg : args) {
    add(ByteRecord::make(ByteRecord::Kind::argument, index_of(arg.slot, owner.slots), arg.value));
  }
}

void Writer::injection(const Operation& op, const Injection& injection) {
  const std::uint8_t handler = index_of(injection.handler, catalog_.handlers);
  std::optional<Grounds::Number> number;
  if (grounds_ != nullptr) {
    number = grounds_->number(schedule_.protocol, handled(op, injection), injection.in.has_value(),
                              {injection.at, injection.phase});
  }
  ByteRecord record = ByteRecord::make(ByteRecord::Kind::injection, handler);
  record.byte[2] = static_cast<std::uint8_t>(injection.by);
  record.byte[3] = index_of(injection.signal, kSignals);
  record.byte[4] = static_cast<std::uint8_t>(injection.in.value_or(0));
  if (number) {
    record.set(5, 2, number->phase);
    record.set(7, 2, number->nth);
  }
  add(record);
  if (!number) {
    text(SYMBOL, injection.at.symbol);
    if (injection.at.offset != 0) detail(OFFSET, injection.at.offset);
    if (injection.at.nth != 1) detail(PASS, injection.at.nth - 1);
    text(PHASE, injection.phase.text());
  }
  arguments(injection.args, catalog_.handlers[handler]);
}

std::vector<std::uint8_t> Writer::bytes() {
  bool first = true;
  for (const Operation& op : schedule_.operations) {
    const std::uint8_t site = index_of(op.site, catalog_.sites);
    ByteRecord record =
        ByteRecord::make(ByteRecord::Kind::operation, site, first ? schedule_.seed : 0);
    if (first) record.byte[0] = index_of(schedule_.protocol, catalog_.protocols);
    first = false;
    add(record);
    arguments(op.args, catalog_.sites[site]);
    for (const Injection& each : op.injections) injection(op, each);
  }
  if (schedule_.isa != catalog_.isa) detail(ISA, index_of(schedule_.isa, catalog_.isas));
  if (schedule_.expect) {
    detail(VERDICT, index_of(schedule_.expect->verdict, catalog_.verdicts));
    if (!schedule_.expect->slot.empty())
      detail(SLOT, index_of(schedule_.expect->slot, catalog_.slots));
  }
  text(ORIGIN, schedule_.origin);
  return std::move(bytes_);
}

// ---- reading

// A symbol that the text form can hold: a '#' at its beginning would be a comment's.
std::string as_symbol(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c <= ' ' || c > '~' || c == '+'; }, '_');
  if (text.starts_with('#')) text.front() = '_';
  return text.empty() ? "_" : text;
}

class Reader {
 public:
  Reader(const Catalog& catalog, const Grounds* grounds) : catalog_(catalog), grounds_(grounds) {}
  Schedule read(std::span<const std::uint8_t> bytes);

 private:
  template <class Range>
  static const auto& pick(std::uint64_t number, const Range& range) {
    return range[wrapped(number, std::ranges::size(range))];
  }
  void operation(std::uint8_t site) {
    injection_ = nullptr;
    if (schedule_.operations.size() == kMaxScheduleOperations) {
      full_ = true;  // its arguments and injections are left out, too
      return;
    }
    owner_ = &pick(site, catalog_.sites);
    schedule_.operations.push_back({owner_->name, {}, {}});
  }
  void argument(const ByteRecord& record);
  void injection(const ByteRecord& record);
  void detail(const ByteRecord& record);
  void finish_boundary();

  const Catalog& catalog_;
  const Grounds* grounds_;
  Schedule schedule_;
  bool full_ = false;                    // the operation or injection under way is one too many
  const CatalogEntry* owner_ = nullptr;  // of the arguments that follow
  Injection* injection_ = nullptr;       // under way; null: the operation is
  Grounds::Number number_;               // its boundary's
  std::string phase_;                    // its boundary's, as far as it has been read
};

void Reader::argument(const ByteRecord& record) {
  if (full_ || owner_->slots.empty()) return;
  const unsigned bits = catalog_.word_bits;
  const std::uint64_t fits = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  const std::string& slot = pick(record.index(), owner_->slots);
  auto& args = injection_ != nullptr ? injection_->args : schedule_.operations.back().args;
  const auto given = std::ranges::find(args, slot, &Argument::slot);
  if (given == args.end()) {
    args.push_back({slot, record.value() & fits});
  } else {
    given->value = record.value() & fits;
  }
}

void Reader::injection(const ByteRecord& record) {
  auto& injections = schedule_.operations.back().injections;
  const bool one_too_many = injections.size() == kMaxScheduleInjections;
  full_ = full_ || one_too_many;
  if (full_) return;
  owner_ = &pick(record.index(), catalog_.handlers);
  const std::size_t in = wrapped(record.in(), injections.size() + 1);
  injections.emplace_back();
  injection_ = &injections.back();
  injection_->handler = owner_->name;
  injection_->by = static_cast<Source>(wrapped(record.source(), kSourcesOfBytes));
  injection_->signal = pick(record.signal(), kSignals);
  if ((injection_->by == Source::itimer) != (injection_->signal == "SIGALRM")) {
    injection_->signal = injection_->by == Source::itimer ? "SIGALRM" : "SIGPROF";
  }
  if (in != 0) injection_->in = static_cast<std::uint32_t>(in);
  number_ = {record.phase(), record.nth()};
  phase_.clear();
}

void Reader::detail(const ByteRecord& record) {
  const auto role = static_cast<Role>(record.index() % kRoles);
  const auto append = [&](std::string* text) {
    const auto* from = reinterpret_cast<const char*>(record.byte + 2);
    std::size_t size = kPiece;
    while (size > 0 && from[size - 1] == '\0') size--;
    text->append(from, size);
  };
  if (role <= PHASE && (full_ || injection_ == nullptr)) return;
  switch (role) {
    case SYMBOL:
      return append(&injection_->at.symbol);
    case OFFSET:
      injection_->at.offset = record.value();
      return;
    case PASS:
      injection_->at.nth = static_cast<std::uint32_t>(record.value() % 0xffffffffU) + 1;
      return;
    case PHASE:
      return append(&phase_);
    case ISA:
      schedule_.isa = pick(record.value(), catalog_.isas);
      return;
    case VERDICT:
      schedule_.expect = Expectation{pick(record.value(), catalog_.verdicts), {}};
      return;
    case SLOT:
      if (schedule_.expect && !catalog_.slots.empty())
        schedule_.expect->slot = pick(record.value(), catalog_.slots);
      return;
    default:
      append(&schedule_.origin);
  }
}

// The injection under way is complete.
void Reader::finish_boundary() {
  if (injection_ == nullptr) return;
  std::optional<Grounds::Place> place;
  if (injection_->at.symbol.empty() && grounds_ != nullptr) {
    const Operation& op = schedule_.operations.back();
    place = grounds_->place(schedule_.protocol, handled(op, *injection_),
                            injection_->in.has_value(), number_);
  }
  injection_->phase = Phase::parse(phase_).value_or(Phase());
  if (place) {
    injection_->at = place->at;
    injection_->phase = place->phase;
  }
  injection_->at.symbol = as_symbol(std::move(injection_->at.symbol));
  injection_ = nullptr;
}

Schedule Reader::read(std::span<const std::uint8_t> bytes) {
  const ByteRecord first = ByteRecord::read(bytes, 0);
  schedule_.isa = catalog_.isa;
  schedule_.adapter = catalog_.adapter;
  schedule_.protocol = pick(first.byte[0], catalog_.protocols);
  schedule_.seed = first.value();
  operation(first.index());
  for (std::size_t i = 1; i < record_count(bytes); i++) {
    const ByteRecord record = ByteRecord::read(bytes, i);
    const bool begins = record.kind() == ByteRecord::Kind::operation ||
                        record.kind() == ByteRecord::Kind::injection;
    if (begins) finish_boundary();
    if (record.kind() == ByteRecord::Kind::operation) full_ = false;
    switch (record.kind()) {
      case ByteRecord::Kind::operation:
        operation(record.index());
        break;
      case ByteRecord::Kind::argument:
        argument(record);
        break;
      case ByteRecord::Kind::injection:
        injection(record);
        break;
      case ByteRecord::Kind::detail:
        detail(record);
    }
  }
  finish_boundary();
  return std::move(schedule_);
}

}  // namespace

std::vector<std::uint8_t> to_bytes(const Schedule& schedule, const Catalog& catalog,
                                   const Grounds* grounds) {
  return Writer(schedule, catalog, grounds).bytes();
}

Schedule from_bytes(std::span<const std::uint8_t> bytes, const Catalog& catalog,
                    const Grounds* grounds) {
  const Schedule decoded = Reader(catalog, grounds).read(bytes);
  // The text form decides what is valid; it only tidies `origin`.
  const auto parsed = parse_schedule(print_schedule(decoded), "", catalog);
  if (!std::holds_alternative<Schedule>(parsed)) std::abort();  // the two forms disagree
  return std::get<Schedule>(parsed);
}

}  // namespace sigsweep
