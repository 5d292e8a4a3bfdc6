// A night's rows to a report's.
#include "stress/host/nightly/night_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "stress/host/nightly/night_findings.h"
#include "stress/host/nightly/part_results.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// The rows that speak for themselves; the ids of the findings among them go to `told`.
void take_results(const fs::path& file, ReportBuilder* report, std::set<std::string>* told) {
  if (file.extension() != ".jsonl") return;
  each_row(file, [&](const ordered_json& row) {
    if (row["kind"] == "claim") report->take(row);
    if (row["kind"] != "finding" || !told->insert(row.value("id", "")).second) return;
    report->take(row);
  });
}

ordered_json row_of(const NightFinding& finding) {
  const std::string place = finding.places.empty() ? "" : *finding.places.begin();
  const std::size_t plus = std::min(place.find('+'), place.size());
  ordered_json row{{"kind", "finding"},
                   {"id", finding.ids.empty() ? finding.file : *finding.ids.begin()},
                   {"isa", finding.isa},
                   {"protocol", finding.protocol},
                   {"site", finding.site},
                   {"handler", ""},
                   {"phase", finding.phase},
                   {"verdict", finding.verdict.empty() ? "crash" : finding.verdict},
                   {"detail", finding.said.empty() ? finding.phase : finding.said},
                   {"schedule", finding.schedule},
                   {"known", finding.known}};
  if (plus == place.size()) return row;
  row["symbol"] = place.substr(0, plus);
  row["offset"] = std::stoull(place.substr(plus + 1), nullptr, 0);
  return row;
}

}  // namespace

void report_night(const fs::path& folder, ReportBuilder* report) {
  std::vector<PartRow> parts;
  std::set<std::string> told;
  each_row(folder / kNightFile, [&](const ordered_json& row) {
    report->take(row);
    if (row["kind"] != "part") return;
    parts.push_back(part_of({(folder / kNightFile).string(), row}));
    for (const std::string& file : parts.back().results) take_results(folder / file, report, &told);
  });
  for (const NightFinding& cause : findings_of(folder, parts)) {
    const auto is_told = [&](const std::string& id) { return told.contains(id); };
    if (!cause.claim.empty() || std::ranges::any_of(cause.ids, is_told)) continue;
    report->take(row_of(cause));
  }
}

}  // namespace sigsweep
