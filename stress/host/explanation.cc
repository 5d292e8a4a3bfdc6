// Sentences, listings and JSON of what was measured.
#include "stress/host/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string instruction_of(const Disassemblers& code, const Deed& deed) {
  const CodePlace place{deed.at.symbol, deed.at.offset, deed.module, deed.address};
  for (const Instruction& each : code.listing(place)) {
    if (each.offset == deed.at.offset) return each.text;
  }
  return code.why_not(place);
}

std::string spaced(const Values& values) {
  std::string text = values_text(values);
  std::ranges::replace(text, ',', ' ');
  return text;
}

// Those that both have, by the names of the first.
Values same_names(const Values& names, const Values& values) {
  Values found;
  for (const Argument& each : names) {
    const auto at = std::ranges::find(values, each.slot, &Argument::slot);
    if (at != values.end()) found.push_back(*at);
  }
  return found;
}

ordered_json json_of(const Deed& deed) {
  ordered_json json{{"role", kDeedNames[deed.role]},
                    {"symbol", deed.at.symbol},
                    {"offset", deed.at.offset},
                    {"by", deed.harness ? "harness" : deed.by},
                    {"value", fmt::format("{:#x}", deed.value)}};
  if (!deed.module.empty()) json["module"] = deed.module;
  return json;
}

// Registers, and slots, by name; nothing where neither is known.
void add_values(const Values& registers, const Values& slots, const char* key, ordered_json* json) {
  for (const Values* values : {&registers, &slots}) {
    for (const Argument& each : *values) (*json)[key][each.slot] = fmt::format("{:#x}", each.value);
  }
}

}  // namespace

std::string why_lines(const Disassemblers& code, const Account& account) {
  if (!account.why) return {};
  std::string text = why_text(account, *account.why), page = "  why:  ";
  for (std::size_t end; (end = text.find(". ")) != text.npos; text.erase(0, end + 2))
    page += text.substr(0, end + 1) + "\n        ";
  page += text + "\n";
  for (const Deed& deed : account.why->deeds) {
    page += fmt::format("        {:<13} {:<36} {}\n", kDeedNames[deed.role],
                        fmt::format("{}+{:#x}", deed.at.symbol, deed.at.offset),
                        instruction_of(code, deed));
  }
  return page;
}

std::string before_and_after(const Account& account) {
  if (account.landed == 0) return {};
  const char* const end = account.fault.empty() ? "end" : "fault";
  std::string page = fmt::format("  registers at the landing  {}\n", spaced(account.registers));
  if (!account.registers_after.empty()) {
    page += fmt::format("  registers at the {:<9}{}\n", end,
                        spaced(same_names(account.registers, account.registers_after)));
  }
  if (account.slots_landed.empty()) return page;
  page += fmt::format("  slots at the landing      {}\n", spaced(account.slots_landed));
  if (!account.slots_after.empty())
    page += fmt::format("  slots at the {:<13}{}\n", end, spaced(account.slots_after));
  return page;
}

void add_why(const Session& session, ReportedTrial* example) {
  const std::string text = print_schedule(schedule_of(*example, session.options.command_line));
  Record command("replay");
  command.add("bytes", std::uint64_t{text.size()})
      .add("no_red_zone", unsigned{session.options.no_red_zone})
      .add("why", 1);
  session.runner->command(
      command,
      [&](const Record& r) {
        if (r.word() != "replayed") return;
        const Account again = decode(r);
        if (again.verdict != example->account.verdict) return;
        example->account.why = again.why;
        example->account.registers_after = again.registers_after;
        example->account.slots_after = again.slots_after;
      },
      text);
}

ordered_json facts_json(const Account& account) {
  const Why& why = *account.why;
  ordered_json json;
  if (!why.not_looked_at.empty()) json["not_looked_at"] = why.not_looked_at;
  if (why.word_address != 0) {
    json["word"] = {{"name", why.word},
                    {"address", fmt::format("{:#x}", why.word_address)},
                    {"stack", why.word_stack}};
  }
  if (why.below_sp != 0) json["below_sp"] = why.below_sp;
  if (!why.points_to.empty()) json["points_to"] = why.points_to;
  if (!why.register_name.empty()) json["register"] = why.register_name;
  if (why.fault_signal != 0) {
    json["fault"] = {{"signal", why.fault_signal},
                     {"address", fmt::format("{:#x}", why.fault_address)}};
  }
  if (why.find(Deed::switched) != nullptr)
    json["switch"] = {{"from", why.from}, {"to", why.to}, {"home", why.home}};
  json["deeds"] = ordered_json::array();
  for (const Deed& deed : why.deeds) json["deeds"].push_back(json_of(deed));
  add_values(account.registers, account.slots_landed, "landed", &json);
  add_values(account.registers_after, account.slots_after, "ended", &json);
  return json;
}

ordered_json why_json(const Account& account) {
  if (!account.why) return nullptr;
  return {{"why", why_text(account, *account.why)}, {"facts", facts_json(account)}};
}

}  // namespace sigsweep
