// One list of keys, written and read in the same order.
#include "stress/account/account.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <stdexcept>

#include "stress/schedule/schedule_text.h"

namespace sigsweep {
namespace {

constexpr std::string_view kNoCall = "none";  // the handler that makes no call

[[noreturn]] void fail(const std::string& key, const std::string& text, const char* allowed) {
  throw std::runtime_error("an account says " + key + "=" + text + "; allowed: " + allowed);
}

// ---- values

Argument value_from(const std::string& key, const std::string& item) {
  Argument value{item.substr(0, item.find("=0x")), 0};
  const std::size_t digits = value.slot.size() + 3;
  const char* const end = item.data() + item.size();
  if (digits >= item.size()) fail(key, item, "NAME=0xVALUE");
  const auto [stop, error] = std::from_chars(item.data() + digits, end, value.value, 16);
  if (error != std::errc() || stop != end) fail(key, item, "NAME=0xVALUE");
  return value;
}

Values values_of(const Record& record, const std::string& key) {
  Values values;
  for (const std::string& item : record.list(key)) values.push_back(value_from(key, item));
  return values;
}

// ---- the parts

void add_call(Record* r, const CallAccount& call, const std::string& prefix,
              const std::string& suffix) {
  r->add(prefix + "seen" + suffix, values_text(call.seen))
      .add(prefix + "made" + suffix, values_text(call.made))
      .add(prefix + "got" + suffix, values_text(call.got))
      .add(prefix + "ran" + suffix, unsigned{call.ran});
}

CallAccount call_of(const Record& r, const std::string& prefix, const std::string& suffix) {
  return {values_of(r, prefix + "seen" + suffix), values_of(r, prefix + "made" + suffix),
          values_of(r, prefix + "got" + suffix), r.number(prefix + "ran" + suffix) != 0};
}

void add_injection(Record* r, const InjectionAccount& injection, const std::string& suffix) {
  const Injection& planned = injection.planned;
  encode(BoundaryAccount{planned.at, planned.phase, injection.live, injection.module,
                         injection.address},
         suffix, r);
  r->add("handler" + suffix, planned.handler)
      .add("signal" + suffix, planned.signal)
      .add("by" + suffix, source_name(planned.by));
  if (planned.in) r->add("in" + suffix, *planned.in);
  if (planned.handler == kNoCall) return;
  r->add("handler_given" + suffix, values_text(planned.args));
  if (injection.call) add_call(r, *injection.call, "handler_", suffix);
}

InjectionAccount injection_of(const Record& r, const std::string& suffix) {
  const BoundaryAccount boundary = decode_boundary(r, suffix);
  const std::string& by = r.text("by" + suffix);
  const auto source = source_from_name(by);
  if (!source) fail("by" + suffix, by, "the name of a source");
  InjectionAccount injection;
  injection.live = boundary.live;
  injection.module = boundary.module;
  injection.address = boundary.address;
  Injection& planned = injection.planned;
  planned.at = boundary.at;
  planned.phase = boundary.phase;
  planned.handler = r.text("handler" + suffix);
  planned.signal = r.text("signal" + suffix);
  planned.by = *source;
  if (r.has("in" + suffix)) planned.in = static_cast<std::uint32_t>(r.number("in" + suffix));
  planned.args = values_of(r, "handler_given" + suffix);
  if (r.has("handler_seen" + suffix)) injection.call = call_of(r, "handler_", suffix);
  return injection;
}

// The keys of the first injection have no number.
std::string suffix_of(std::size_t injection) {
  return injection == 0 ? "" : std::to_string(injection + 1);
}

void add_what_one_knows(Record* r, const Account& account) {
  const AccountKind kind = account.kind;
  if (kind != AccountKind::example) r->add("operation", account.operation);
  if (kind != AccountKind::walked) r->add("blame", account.blame);
  if (kind == AccountKind::example) {
    r->add("seed", account.seed)
        .add("expected", unsigned{account.expected})
        .add("mismatch", account.mismatch);
  }
  for (const std::string& note : account.notes) r->add("note", note);
}

template <class Number>
void take(const Record& r, const char* key, Number* number) {
  *number = static_cast<Number>(r.number(key));
}

void take_verdict(const Record& r, Account* account) {
  const std::string& name = r.text("verdict");
  const auto verdict = verdict_from_name(name);
  if (!verdict) fail("verdict", name, "the name of a verdict");
  account->verdict = *verdict;
  account->slots = slots_from_text(r.text("slots"));
  account->detail = r.text("detail");
}

AccountKind kind_of(const Record& record) {
  const auto word = std::ranges::find(kAccountWords, record.word());
  if (word == std::end(kAccountWords)) fail("word", record.word(), "example, replayed, walked");
  return static_cast<AccountKind>(word - std::begin(kAccountWords));
}

}  // namespace

const InjectionAccount& blamed(const Account& account) {
  static const InjectionAccount none;
  return account.blame < account.injections.size() ? account.injections[account.blame] : none;
}

std::string slots_text(const std::vector<std::string>& slots) {
  std::string text;
  for (const std::string& slot : slots) text += (text.empty() ? "" : "+") + slot;
  return text.empty() ? "-" : text;
}

std::vector<std::string> slots_from_text(const std::string& text) {
  std::vector<std::string> slots;
  for (std::size_t at = 0; at < text.size() && text != "-";) {
    const std::size_t end = std::min(text.find('+', at), text.size());
    slots.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return slots;
}

std::string values_text(const Values& values) {
  std::string text;
  for (const auto& [name, value] : values) {
    text += (text.empty() ? "" : ",") + name + "=" + hex(value);
  }
  return text;
}

void encode(const BoundaryAccount& boundary, const std::string& suffix, Record* record) {
  record->add("symbol" + suffix, boundary.at.symbol)
      .add("offset" + suffix, boundary.at.offset)
      .add("nth" + suffix, boundary.at.nth)
      .add("phase" + suffix, boundary.phase.text())
      .add("live" + suffix, boundary.live);
  if (boundary.module.empty()) return;
  record->add("module" + suffix, boundary.module).add("address" + suffix, boundary.address);
}

BoundaryAccount decode_boundary(const Record& record, const std::string& suffix) {
  const std::string& text = record.text("phase" + suffix);
  const auto phase = Phase::parse(text);
  if (!phase && !text.empty()) fail("phase" + suffix, text, "PART/key=value/...#N");
  return {BoundaryName{record.text("symbol" + suffix), record.number("offset" + suffix),
                       static_cast<std::uint32_t>(record.number("nth" + suffix))},
          phase.value_or(Phase()), record.text("live" + suffix), record.text("module" + suffix),
          record.number("address" + suffix)};
}

Record encode(const Account& account) {
  Record r{std::string(kAccountWords[static_cast<unsigned>(account.kind)])};
  r.add("site", account.site)
      .add("verdict", verdict_name(account.verdict))
      .add("slots", slots_text(account.slots))
      .add("detail", account.detail)
      .add("requested", account.requested)
      .add("landed", account.landed)
      .add("unreached", account.unreached)
      .add("injections", std::uint64_t{account.injections.size()})
      .add("given", values_text(account.given));
  add_call(&r, account.call, "", "");
  if (account.landed > 0) {
    r.add("registers", values_text(account.registers))
        .add("slots_landed", values_text(account.slots_landed));
  }
  if (!account.fault.empty()) r.add("fault", account.fault);
  if (!account.backtrace.empty()) r.add("backtrace", account.backtrace);
  for (std::size_t i = 0; i < account.injections.size(); i++) {
    add_injection(&r, account.injections[i], suffix_of(i));
  }
  add_what_one_knows(&r, account);
  if (!account.registers_after.empty()) {
    r.add("registers_after", values_text(account.registers_after))
        .add("slots_after", values_text(account.slots_after));
  }
  if (account.why) encode(*account.why, &r);
  return r;
}

Account decode(const Record& record) {
  Account account;
  account.kind = kind_of(record);
  account.site = record.text("site");
  take_verdict(record, &account);
  take(record, "requested", &account.requested);
  take(record, "landed", &account.landed);
  take(record, "unreached", &account.unreached);
  account.given = values_of(record, "given");
  account.call = call_of(record, "", "");
  account.registers = values_of(record, "registers");
  account.slots_landed = values_of(record, "slots_landed");
  account.fault = record.text("fault");
  account.backtrace = record.text("backtrace");
  for (std::size_t i = 0; i < record.number("injections"); i++) {
    account.injections.push_back(injection_of(record, suffix_of(i)));
  }
  take(record, "operation", &account.operation);
  take(record, "blame", &account.blame);
  take(record, "seed", &account.seed);
  account.expected = record.number("expected") != 0;
  account.mismatch = record.text("mismatch");
  for (const auto& [key, value] : record.fields()) {
    if (key == "note") account.notes.push_back(value);
  }
  account.registers_after = values_of(record, "registers_after");
  account.slots_after = values_of(record, "slots_after");
  if (record.has("why_deeds")) account.why = decode_why(record);
  return account;
}

}  // namespace sigsweep
