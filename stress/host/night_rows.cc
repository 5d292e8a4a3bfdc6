// Rows of a night to lines, and back.
#include "stress/host/night_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

[[noreturn]] void refuse(const ResultLine& line, const std::string& what) {
  throw Failure(kUsage, fmt::format("{}: {} (results/schema.json)", line.place, what));
}

// A field that may be null or of this type; none: null.
template <class T>
std::optional<T> maybe(const ResultLine& line, const ordered_json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end()) refuse(line, fmt::format("`{}` is missing", key));
  if (at->is_null()) return std::nullopt;
  return at->get<T>();
}

// What is of another type is refused with the line's place.
template <class Read>
auto read(const ResultLine& line, const Read& fields) {
  try {
    return fields();
  } catch (const nlohmann::json::exception& error) {
    refuse(line, error.what());
  }
}

void add_feature(NightMachine* machine, const std::string& name, const std::string& value) {
  if (!value.empty()) machine->features.push_back(name + "=" + value);
}

NightMachine night_machine(const std::string& cpu, const std::string& xcr0,
                           const std::string& microcode,
                           const std::map<std::string, std::string>& mitigations) {
  NightMachine machine;
  machine.processor = cpu;
  add_feature(&machine, "xcr0", xcr0);
  add_feature(&machine, "microcode", microcode);
  for (const auto& [flaw, mitigation] : mitigations) add_feature(&machine, flaw, mitigation);
  return machine;
}

}  // namespace

NightMachine night_machine(const MachineFacts& facts) {
  return night_machine(facts.cpu, fmt::format("{:#x}", facts.xcr0), facts.microcode,
                       facts.mitigations);
}

NightMachine night_machine(const ResultLine& run) {
  const ordered_json& machine = run.object("machine");
  return read(run, [&] {
    return night_machine(machine.at("cpu"), machine.at("xcr0"), machine.at("microcode"),
                         machine.at("mitigations"));
  });
}

bool PartRow::did_work() const {
  return std::ranges::any_of(work, [](const auto& count) { return count.second != 0; });
}

std::string line_of(const NightRow& row) {
  const NightMachine& machine = row.machine;
  const auto or_null = [](const auto& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
  };
  return dump({{"kind", "night"},
               {"id", row.id},
               {"started", row.started},
               {"ended", row.ended.empty() ? ordered_json(nullptr) : ordered_json(row.ended)},
               {"budget", row.budget},
               {"seed", row.seed},
               {"build", row.build},
               {"command", row.command},
               {"machine",
                {{"processor", machine.processor},
                 {"features", machine.features},
                 {"floor_us", or_null(machine.floor_us)}}},
               {"status", or_null(row.status)}});
}

std::string line_of(const PartRow& row) {
  return dump({{"kind", "part"},
               {"name", row.name},
               {"status", row.status},
               {"seconds", row.seconds},
               {"limit", row.limit},
               {"work", row.work},
               {"log", row.log},
               {"results", row.results},
               {"reason", row.reason}});
}

NightRow night_of(const ResultLine& line) {
  return read(line, [&] {
    const ordered_json &json = line.json, &machine = line.object("machine");
    NightRow row;
    row.id = line.text("id");
    row.started = line.text("started");
    row.ended = maybe<std::string>(line, json, "ended").value_or("");
    row.budget = json.at("budget");
    row.seed = line.number("seed");
    row.build = line.text("build");
    row.command = line.text("command");
    row.machine = {machine.at("processor"), machine.at("features"),
                   maybe<double>(line, machine, "floor_us")};
    row.status = maybe<int>(line, json, "status");
    return row;
  });
}

PartRow part_of(const ResultLine& line) {
  return read(line, [&] {
    const ordered_json& json = line.json;
    PartRow row{line.text("name"), line.text("status"), json.at("seconds"), json.at("limit"),
                json.at("work"),   line.text("log"),    json.at("results"), line.text("reason")};
    if (std::ranges::count(kPartStatuses, row.status) == 0) {
      refuse(line, fmt::format("`status` is \"{}\"; allowed: {}", row.status,
                               fmt::join(kPartStatuses, ", ")));
    }
    return row;
  });
}

}  // namespace sigsweep
