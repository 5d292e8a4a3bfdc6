// Facts as sentences, and as a record.
#include "stress/account/why.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "stress/account/account.h"
#include "stress/schedule/schedule_text.h"

namespace sigsweep {
namespace {

// ---- sentences

class Sentences {
 public:
  Sentences(const Account& account, const Why& why) : account_(account), why_(why) {}

  std::string text() const {
    if (!why_.not_looked_at.empty()) return "Nothing more is known: " + why_.not_looked_at + ".";
    switch (account_.verdict) {
      case Verdict::arg_clobbered:
      case Verdict::result_clobbered:
      case Verdict::handler_clobbered:
        return of_clobbered_slot();
      case Verdict::slot_leak:
        return of_left_slot();
      case Verdict::stack_smash:
        return of_stack();
      case Verdict::wrong_switch:
        return of_switch();
      case Verdict::crash:
        return of_crash();
      case Verdict::hang:
        return of_hang();
      default:
        return of_state();
    }
  }

 private:
  const Deed* find(Deed::Role role) const { return why_.find(role); }

  std::string who(const Deed& deed) const {
    if (deed.harness) return "sigsweep's own code";
    if (deed.by == "operation") return "the interrupted call of " + account_.site;
    if (deed.by == "signal") return "the signal's way in or out";
    const std::size_t index = std::stoul(deed.by.substr(deed.by.find(' ') + 1)) - 1;
    const bool one = account_.injections.size() < 2;
    std::string name = one ? "the handler" : deed.by;
    if (index >= account_.injections.size()) return name;
    const std::string& calls = account_.injections[index].planned.handler;
    return calls_subject(calls) ? name + "'s call of " + calls : name;
  }
  static std::string place(const Deed& deed) {
    return deed.at.symbol + "+" + hex(deed.at.offset) +
           (deed.module.empty() ? "" : " (" + deed.module + ")");
  }
  std::string at(const Deed& deed) const { return place(deed) + ", in " + who(deed) + ","; }

  std::string word() const {
    if (!why_.word.empty()) return why_.word;
    const std::string where = "the word at " + hex(why_.word_address);
    return why_.word_stack.empty() ? where : where + " of stack " + why_.word_stack;
  }
  static std::string stack(const std::string& name) {
    return name.empty() ? "no stack that is known" : "stack " + name;
  }
  std::string slot() const { return "Slot " + why_.word; }
  // Of the word that was read: who had written it.
  std::string written_last() const {
    const Deed* writer = find(Deed::writer);
    if (writer == nullptr) return "nothing in this operation had written that word.";
    return at(*writer) + " had stored " + hex(writer->value) + " there last.";
  }

  // The first that overwrote the word, and the last where that is another one.
  std::string overwritten() const {
    const Deed *first = find(Deed::first_writer), *last = find(Deed::writer);
    if (first == nullptr) return at(*last) + " overwrote it with " + hex(last->value);
    return at(*first) + " overwrote it with " + hex(first->value) + "; " + at(*last) + " stored " +
           hex(last->value) + " there later";
  }
  std::string of_clobbered_slot() const {
    const Deed *owner = find(Deed::owner), *writer = find(Deed::writer),
               *reader = find(Deed::reader);
    std::string text = slot() + " was in use";
    if (owner != nullptr) text += ": " + at(*owner) + " had stored " + hex(owner->value) + " there";
    text += ". ";
    if (writer == nullptr) return text + "No other instruction was seen to write it.";
    text += overwritten();
    if (reader != nullptr) text += ", and " + at(*reader) + " read that";
    return text + ".";
  }
  std::string of_left_slot() const {
    const Deed* writer = find(Deed::writer);
    if (writer == nullptr) return slot() + " was written by no instruction of this operation.";
    return slot() + " must be zero behind the operation. " + at(*writer) + " stored " +
           hex(writer->value) + " there last, and nothing cleared it.";
  }
  std::string of_stack() const {
    const Deed *owner = find(Deed::owner), *writer = find(Deed::writer),
               *arrival = find(Deed::arrival);
    std::string text = "The word at " + hex(why_.word_address) + " of stack " + why_.word_stack;
    if (why_.below_sp != 0) {
      text += " lies in the red zone, " + std::to_string(why_.below_sp) +
              " bytes below SP where the signal landed: the ABI lets code keep a word there";
      text += owner == nullptr ? ", and none was kept" : "";
    } else {
      text += " was in use";
      if (owner == nullptr) text += " since before the operation began";
    }
    if (owner != nullptr) text += ": " + at(*owner) + " had put " + hex(owner->value) + " there";
    const bool held = why_.below_sp == 0 || owner != nullptr;
    if (held && !why_.points_to.empty()) text += ", an address of code (" + why_.points_to + ")";
    text += ". ";
    if (arrival != nullptr)
      text += at(*arrival) + " took SP to that stack (" + hex(arrival->value) + "). ";
    if (writer == nullptr) return text + "Which instruction overwrote the word was not seen.";
    return text + overwritten() + ".";
  }
  std::string of_switch() const {
    const Deed *left = find(Deed::left), *switched = find(Deed::switched);
    if (switched == nullptr) return of_end();
    std::string text = at(*switched) + " went from " + stack(why_.from) + " to " + stack(why_.to);
    if (!why_.home.empty() && left != nullptr) {
      text += ", and not back to stack " + why_.home + ", which it had left at " + place(*left);
    } else if (!why_.home.empty()) {
      text += "; without the signal it goes to stack " + why_.home + " there";
    }
    return text + ". " + origin("SP");
  }
  // Where the value of a register came from.
  std::string origin(const std::string& name) const {
    const Deed *reader = find(Deed::reader), *setter = find(Deed::setter);
    if (reader != nullptr) {
      return place(*reader) + " had read " + name + " (" + hex(reader->value) + ") from " + word() +
             "; " + written_last();
    }
    if (setter != nullptr)
      return at(*setter) + " had set " + name + " to " + hex(setter->value) + ".";
    return "Where the value of " + name + " came from is not known.";
  }
  std::string of_crash() const {
    const Deed* faulted = find(Deed::faulted);
    if (faulted == nullptr) return of_end();
    std::string text = at(*faulted) + " faulted (signal " + std::to_string(why_.fault_signal) +
                       ", address " + hex(why_.fault_address) + ")";
    if (why_.register_name.empty()) return text + ". No register led it there.";
    return text + " by way of " + why_.register_name + ". " + origin(why_.register_name);
  }
  // Of a trial that ended without a fault and without a switch that went astray.
  std::string of_end() const {
    const Deed* last = find(Deed::last);
    if (last == nullptr) return "No instruction of the code under test ran after the signal.";
    return "The last instruction of the code under test was " + place(*last) + ", in " +
           who(*last) + ". SP (" + hex(last->value) + ") was in " +
           (why_.from.empty() ? "no stack" : "stack " + why_.from) + " then.";
  }
  std::string of_hang() const {
    const Deed *first = find(Deed::first_of_loop), *last = find(Deed::last_of_loop);
    if (first == nullptr || last == nullptr) return of_end();
    return "It went round among the instructions from " + place(*first) + " to " + place(*last) +
           ". They belong to " + who(*last) + ".";
  }
  std::string of_state() const {
    const Deed *writer = find(Deed::writer), *setter = find(Deed::setter), *lost = find(Deed::lost);
    if (setter != nullptr || lost != nullptr) {
      std::string text = why_.register_name + " must be kept.";
      if (lost != nullptr)
        text += " " + at(*lost) + " came back to its caller with " + hex(lost->value) + " in it.";
      if (setter != nullptr) text += " " + at(*setter) + " had set it last.";
      return text;
    }
    if (why_.word_address == 0) return of_end();
    const std::string first = "In " + word() + " something else was found than is to be there. ";
    if (writer == nullptr) return first + "Nothing in this operation had written that word.";
    return first + at(*writer) + " had stored " + hex(writer->value) + " there last.";
  }

  const Account& account_;
  const Why& why_;
};

// ---- the record

constexpr std::string_view kPrefix = "why_";

std::string key(std::string_view name) {
  return std::string(kPrefix) + std::string(name);
}

void encode(const Deed& deed, const std::string& number, Record* r) {
  r->add(key("role" + number), kDeedNames[deed.role])
      .add(key("symbol" + number), deed.at.symbol)
      .add(key("offset" + number), deed.at.offset)
      .add(key("by" + number), deed.by)
      .add(key("value" + number), deed.value);
  if (deed.harness) r->add(key("harness" + number), 1);
  if (deed.module.empty()) return;
  r->add(key("module" + number), deed.module).add(key("address" + number), deed.address);
}

Deed decode_deed(const Record& r, const std::string& number) {
  const std::string& name = r.text(key("role" + number));
  const auto role = std::ranges::find(kDeedNames, name);
  if (role == std::end(kDeedNames))
    throw std::runtime_error("an account says " + key("role" + number) + "=" + name +
                             "; allowed: the name of a deed");
  Deed deed;
  deed.role = static_cast<Deed::Role>(role - std::begin(kDeedNames));
  deed.at = {r.text(key("symbol" + number)), r.number(key("offset" + number)), 1};
  deed.module = r.text(key("module" + number));
  deed.address = r.number(key("address" + number));
  deed.by = r.text(key("by" + number));
  deed.harness = r.number(key("harness" + number)) != 0;
  deed.value = r.number(key("value" + number));
  return deed;
}

struct TextField {
  std::string_view name;
  std::string Why::*field;
};
constexpr TextField kTexts[] = {{"not_looked_at", &Why::not_looked_at},
                                {"word", &Why::word},
                                {"word_stack", &Why::word_stack},
                                {"points_to", &Why::points_to},
                                {"register", &Why::register_name},
                                {"from", &Why::from},
                                {"to", &Why::to},
                                {"home", &Why::home}};

}  // namespace

const Deed* Why::find(Deed::Role role) const {
  const auto found = std::ranges::find(deeds, role, &Deed::role);
  return found == deeds.end() ? nullptr : &*found;
}

std::string why_text(const Account& account, const Why& why) {
  return Sentences(account, why).text();
}

void encode(const Why& why, Record* record) {
  record->add(key("deeds"), std::uint64_t{why.deeds.size()})
      .add(key("word_address"), why.word_address)
      .add(key("below_sp"), why.below_sp)
      .add(key("fault_signal"), static_cast<unsigned>(why.fault_signal))
      .add(key("fault_address"), why.fault_address);
  for (const TextField& each : kTexts) record->add(key(each.name), why.*each.field);
  for (std::size_t i = 0; i < why.deeds.size(); i++)
    encode(why.deeds[i], std::to_string(i + 1), record);
}

Why decode_why(const Record& record) {
  Why why;
  why.word_address = record.number(key("word_address"));
  why.below_sp = record.number(key("below_sp"));
  why.fault_signal = static_cast<int>(record.number(key("fault_signal")));
  why.fault_address = record.number(key("fault_address"));
  for (const TextField& each : kTexts) why.*each.field = record.text(key(each.name));
  for (std::size_t i = 0; i < record.number(key("deeds")); i++)
    why.deeds.push_back(decode_deed(record, std::to_string(i + 1)));
  return why;
}

}  // namespace sigsweep
