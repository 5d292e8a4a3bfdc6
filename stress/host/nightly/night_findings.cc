// Rows of results to findings, findings to faults, faults to lines.
#include "stress/host/nightly/night_findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>

#include "stress/host/disassembly.h"
#include "stress/host/files.h"
#include "stress/host/finding.h"
#include "stress/host/nightly/part_results.h"
#include "stress/host/options.h"

namespace sigsweep {

std::string word_behind(const std::string& schedule, const std::string& key) {
  std::istringstream lines(schedule);
  std::string found;
  for (std::string line, word, next; std::getline(lines, line);) {
    std::istringstream words(line);
    if (words >> word && word == key && words >> next) found = next;
  }
  return found;
}

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// The place and phase of the last injection in a phase of that head; of any, if it is empty.
struct Injected {
  std::string place, phase;
};
Injected injected(const std::string& schedule, const std::string& head) {
  std::istringstream lines(schedule);
  Injected found;
  for (std::string line, word; std::getline(lines, line);) {
    if (!line.starts_with("inject ")) continue;
    Injected here;
    std::istringstream words(line);
    while (words >> word) {
      if (word == "at") words >> here.place;
      if (word.starts_with("phase=")) here.phase = word.substr(strlen("phase="));
    }
    here.phase = here.phase.substr(0, here.phase.find('#'));
    if (head.empty() || head == here.phase) found = here;
  }
  return found;
}

// A text's first line, not too long.
std::string short_line(const std::string& text) {
  constexpr std::size_t kMost = 200;
  const std::string line = text.substr(0, text.find('\n'));
  return line.size() <= kMost ? line : line.substr(0, kMost) + "...";
}

NightFinding of_schedule(const std::string& schedule) {
  NightFinding finding;
  finding.schedule = schedule;
  finding.isa = word_behind(schedule, "isa");
  finding.protocol = word_behind(schedule, "protocol");
  finding.site = word_behind(schedule, "op");
  finding.verdict = word_behind(schedule, "expect");
  const Injected at = injected(schedule, "");
  finding.phase = at.phase;
  if (!at.place.empty()) finding.places.insert(at.place);
  return finding;
}

NightFinding of_claim(const ordered_json& row) {
  NightFinding finding = of_schedule(row.value("counterexample", ""));
  finding.isa = row.value("isa", "");
  finding.claim = fmt::format("claim {} does not hold on {}: {}", row.value("id", 0), finding.isa,
                              row.value("statement", ""));
  finding.said = short_line(row.value("detail", ""));
  return finding;
}

NightFinding of_finding(const ordered_json& row) {
  NightFinding finding = of_schedule(row.value("schedule", ""));
  finding.isa = row.value("isa", "");
  finding.protocol = row.value("protocol", "");
  finding.site = row.value("site", "");
  finding.verdict = row.value("verdict", "");
  const std::string phase = row.value("phase", "");
  finding.phase = phase.substr(0, phase.find('#'));
  const Injected at = injected(finding.schedule, finding.phase);
  if (!at.place.empty()) finding.places = {at.place};
  finding.said = short_line(row.value("detail", ""));
  finding.ids.insert(row.value("id", ""));
  finding.known = row.value("known", false);
  return finding;
}

NightFinding of_group(const ordered_json& row) {
  NightFinding finding;
  finding.known = row.value("known", false);
  finding.file = row.value("schedule", "");
  const std::string why = row.value("why", "");  // "TARGET: what it says"
  if (!why.empty()) {
    finding.target = why.substr(0, why.find(':'));
    finding.said = short_line(why);
    return finding;
  }
  finding.schedule = content_of(finding.file);
  finding.isa = word_behind(finding.schedule, "isa");
  finding.protocol = row.value("protocol", "");
  finding.site = row.value("site", "");
  finding.phase = row.value("phase", "");
  finding.verdict = row.value("verdict", "");
  for (const std::string id : row["ids"]) finding.ids.insert(id);
  for (const std::string place : row["places"]) finding.places.insert(place);
  if (!word_behind(finding.schedule, "subject").empty()) finding.target = kAdapterTarget;
  return finding;
}

NightFinding of_found(const ordered_json& row) {
  NightFinding finding;
  finding.target = row.value("target", "");
  finding.file = row.value("file", "");
  finding.said = fmt::format("{}: {}", finding.target, short_line(row.value("why", "")));
  finding.verdict = row.value("cause", "");
  return finding;
}

// A schedule of corpus/ whose verdict is another one than it expects.
NightFinding of_replayed(const ordered_json& row) {
  const std::string file = row.value("file", "");
  NightFinding finding = of_schedule(content_of(file));
  finding.isa = row.value("isa", "");
  finding.said = fmt::format("{} expects {}", fs::proximate(file).string(),
                             finding.verdict.empty() ? "ok" : finding.verdict);
  finding.verdict = row.value("verdict", "");
  return finding;
}

// A mutant that no check sees: a check is missing.
NightFinding of_mutant(const ordered_json& row) {
  NightFinding finding;
  finding.isa = row.value("isa", "");
  finding.said = fmt::format("the mutant {} of {} survived: {} -> {}", row.value("id", ""),
                             finding.isa, row.value("before", ""), row.value("after", ""));
  return finding;
}

// What a storm has written beside its results; if nothing, what its row says.
std::vector<NightFinding> of_storm(const ordered_json& row, const fs::path& folder) {
  std::vector<NightFinding> findings;
  const std::string what = fmt::format("a storm of {}: {}", row.value("protocol", ""),
                                       row.value("verdicts", ordered_json::object()).dump());
  for (const fs::path& file : files_in(folder / "findings")) {
    if (file.extension() != ".sched") continue;
    findings.push_back(of_schedule(content_of(file)));
    findings.back().ids.insert(file.stem());
    findings.back().said = what;
  }
  if (findings.empty()) findings.emplace_back().said = what;
  return findings;
}

// All that a part's rows tell.
std::vector<NightFinding> told_by(const fs::path& folder, const PartRow& part, bool sorted) {
  std::vector<NightFinding> all;
  std::string adapter;
  for (const fs::path& file : results_in(folder / part.name)) {
    each_row(file, [&](const ordered_json& row) {
      const std::string kind = row["kind"];
      if (kind == "run" && row.contains("adapter")) adapter = row["adapter"].value("file", "");
      if (kind == "claim" && !row.value("holds", true)) all.push_back(of_claim(row));
      if (kind == "finding") all.push_back(of_finding(row));
      if (kind == "group") all.push_back(of_group(row));
      if (kind == "replayed" && !row.value("expected", true)) all.push_back(of_replayed(row));
      if (kind == "mutant" && row.value("status", "") == "survived") all.push_back(of_mutant(row));
      if (kind == "found" && !sorted) all.push_back(of_found(row));
      if (kind == "storm" && !row.value("expected", true)) {
        for (NightFinding& each : of_storm(row, folder / part.name)) all.push_back(each);
      }
    });
  }
  const bool is_campaign =
      std::ranges::any_of(part.work, [](auto& w) { return w.first == "execs"; });
  if (all.empty() && part.status == "finding" && !(sorted && is_campaign))
    all.emplace_back().said = part.reason;
  for (NightFinding& finding : all) {
    if (finding.adapter.empty()) finding.adapter = adapter;
    finding.parts.insert(part.name);
  }
  return all;
}

void take_in(NightFinding finding, std::map<std::vector<std::string>, NightFinding>* by_cause) {
  const bool has_cause = !finding.verdict.empty() && finding.claim.empty();
  std::vector<std::string> cause{finding.claim, finding.target, finding.isa,    finding.protocol,
                                 finding.site,  finding.phase,  finding.verdict};
  if (!has_cause) cause.push_back(finding.said);
  const auto [at, is_new] = by_cause->try_emplace(cause, finding);
  if (is_new) return;
  NightFinding& kept = at->second;
  kept.ids.merge(finding.ids);
  kept.places.merge(finding.places);
  kept.parts.merge(finding.parts);
  kept.known = kept.known && finding.known;
  if (finding.schedule.empty() || finding.schedule.size() >= kept.schedule.size()) return;
  kept.schedule = finding.schedule;
  kept.file = finding.file;
}

std::string symbol_of(const std::string& place) {
  return place.substr(0, place.rfind("+0x"));
}

// The instruction at a place; empty where nothing tells.
std::string instruction_at(const NightFinding& finding, const std::string& place) {
  const std::size_t plus = place.rfind("+0x");
  if (plus == place.npos) return {};
  const std::uint64_t offset = std::stoull(place.substr(plus + 1), nullptr, 16);
  for (const std::string& file : {runner_path(finding.isa, kSubjects[0]), finding.adapter}) {
    try {
      if (file.empty()) continue;
      const Disassembler code(file, file == finding.adapter ? Disassembler::Names::all
                                                            : Disassembler::Names::functions);
      for (const Instruction& each : code.function(symbol_of(place)))
        if (each.offset == offset) return each.text;
    } catch (const Failure&) {
      continue;  // a page without the instruction is better than none
    }
  }
  return {};
}

std::string self() {
  std::error_code error;
  return fs::proximate(fs::read_symlink("/proc/self/exe", error));
}

// The one command that shows it again; empty where there is none.
std::string command_for(const NightFinding& finding) {
  if (finding.file.empty()) return {};
  const std::string file = shell_quoted(fs::proximate(finding.file).string());
  if (!finding.target.empty()) return fmt::format("scripts/reproduce {} {}", finding.target, file);
  const std::string adapter =
      finding.adapter.empty() ? "" : " --adapter " + shell_quoted(finding.adapter);
  return fmt::format("{} replay{} {}", shell_quoted(self()), adapter, file);
}

// Some of the names, and how many more there are.
std::string some_of(const std::set<std::string>& names) {
  constexpr std::size_t kMost = 4;
  std::string text;
  std::size_t told = 0;
  for (const std::string& name : names) {
    if (told == kMost) return text + fmt::format(" and {} more", names.size() - told);
    text += (told++ == 0 ? "" : ", ") + name;
  }
  return text;
}

}  // namespace

std::vector<NightFinding> findings_of(const fs::path& folder, const std::vector<PartRow>& parts) {
  const bool sorted = std::ranges::any_of(
      parts, [](const PartRow& part) { return part.ran() && part.work.contains("campaigns"); });
  std::map<std::vector<std::string>, NightFinding> by_cause;
  for (const PartRow& part : parts)
    for (NightFinding& finding : told_by(folder, part, sorted))
      take_in(std::move(finding), &by_cause);
  std::vector<NightFinding> findings;
  findings.reserve(by_cause.size());
  for (auto& [cause, finding] : by_cause) findings.push_back(std::move(finding));
  std::ranges::stable_sort(
      findings, {}, [](const NightFinding& f) { return std::pair(f.known, f.claim.empty()); });
  return findings;
}

void write_findings(const fs::path& folder, std::vector<NightFinding>* findings) {
  unsigned number = 0;
  for (NightFinding& finding : *findings) {
    number++;
    if (finding.schedule.empty()) continue;
    const std::string name =
        finding.ids.empty() ? fmt::format("{:03}", number) : *finding.ids.begin();
    finding.file = write_text(folder / "findings" / (name + ".sched"), finding.schedule);
  }
}

std::vector<std::vector<NightFinding>> faults_of(const std::vector<NightFinding>& findings) {
  std::vector<std::vector<NightFinding>> faults;
  std::map<std::vector<std::string>, std::size_t> numbers;
  for (const NightFinding& finding : findings) {
    const std::string place = finding.places.empty() ? "" : symbol_of(*finding.places.begin());
    std::vector<std::string> key{finding.verdict, place, finding.known ? "known" : ""};
    if (place.empty()) key.push_back(finding.claim + finding.said);
    const auto [at, is_new] = numbers.try_emplace(key, faults.size());
    if (is_new) faults.emplace_back();
    faults[at->second].push_back(finding);
  }
  std::ranges::stable_sort(faults, {}, [](const std::vector<NightFinding>& fault) {
    const NightFinding& first = fault.front();
    return std::tuple(first.known, first.claim.empty(), -static_cast<std::ptrdiff_t>(fault.size()));
  });
  return faults;
}

std::string fault_text(const std::vector<NightFinding>& fault) {
  const NightFinding& first = fault.front();
  std::set<std::string> claims, ids, places, protocols, sites, isas;
  for (const NightFinding& each : fault) {
    if (!each.claim.empty()) claims.insert(each.claim);
    ids.insert(each.ids.begin(), each.ids.end());
    places.insert(each.places.begin(), each.places.end());
    for (const auto& [all, one] : {std::pair(&protocols, &each.protocol),
                                   std::pair(&sites, &each.site), std::pair(&isas, &each.isa)})
      if (!one->empty()) all->insert(*one);
  }
  std::string text;
  if (first.places.empty()) {
    text = first.claim.empty() ? first.said + "\n" : "";
  } else {
    const std::string& place = *first.places.begin();
    const std::string instruction = instruction_at(first, place);
    text = fmt::format("{} at {}, {}{}\n", first.verdict, place, first.phase,
                       instruction.empty() ? "" : ", in front of " + instruction);
  }
  for (const std::string& claim : claims) text += "   " + claim + "\n";
  if (!first.places.empty()) {
    text += fmt::format("   {} causes, {} ids; isa {}; protocols {}; sites {}; places {}\n",
                        fault.size(), ids.size(), some_of(isas), some_of(protocols), some_of(sites),
                        some_of(places));
    if (!first.said.empty()) text += "   " + first.said + "\n";
  }
  if (const std::string command = command_for(first); !command.empty())
    text += "   " + command + "\n";
  return text;
}

std::string finding_line(const NightFinding& f) {
  std::string text = f.ids.empty() ? std::string(16, '-') : *f.ids.begin();
  if (!f.claim.empty()) text += "  " + f.claim + ";";
  if (!f.verdict.empty() && !f.protocol.empty())
    text += fmt::format("  {}, {}, {}, {}, {}", f.isa, f.protocol, f.site, f.phase, f.verdict);
  if (!f.places.empty()) text += fmt::format("; at {}", fmt::join(f.places, ", "));
  if (!f.said.empty()) text += "; " + f.said;
  text += fmt::format("; by {}", fmt::join(f.parts, ", "));
  if (const std::string command = command_for(f); !command.empty()) text += "; " + command;
  return text + "\n";
}

}  // namespace sigsweep
