#include "stress/host/commands/report_history.h"

#include <algorithm>
#include <fstream>

#include "stress/host/commands/history_json.h"
#include "stress/host/history/compare_runs.h"
#include "stress/host/history/history_file.h"
#include "stress/host/history/query.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

PageRatio summed(const BenchmarkRatios& measured) {
  std::vector<double> sorted = measured.ratios;
  std::ranges::sort(sorted);
  const auto at = [&](double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5)];
  };
  return {"",       "",      measured.isa, measured.name, measured.peers, at(0),
          at(0.25), at(0.5), at(0.75),     at(1),         sorted.size()};
}

void add_ratios(const std::vector<BenchmarkTime>& times, const std::string& night,
                const std::string& started, std::vector<PageRatio>* ratios) {
  for (const BenchmarkRatios& measured : ratios_by_peers(times)) {
    PageRatio ratio = summed(measured);
    ratio.night = night;
    ratio.started = started;
    ratios->push_back(std::move(ratio));
  }
}

// What is new since the night before, and what the youngest night had found.
void add_last_night(SQLite::Database* db, const StoredRun& last, HistoryOnPage* found) {
  for (const PartRow& part : parts_of(db, last))
    found->rows.push_back(ordered_json::parse(line_of(part)));
  for (const StoredFinding& finding : findings_of(db, last.id))
    found->rows.push_back(json_of(finding));
  const std::optional<StoredRun> before = night_before(db, last);
  if (!before) return;
  const RunContrast c = contrast(db, before->id, last.id);
  found->rows.push_back(sums_json(c));
  for (const ContrastRow& row : c.rows) found->rows.push_back(json_of(row));
}

}  // namespace

HistoryOnPage history_on_page(const std::filesystem::path& path) {
  HistoryOnPage found;
  HistoryFile(path.string(), HistoryFile::For::reading).read([&](SQLite::Database& db) {
    const std::vector<StoredRun> runs = stored_runs(&db);
    for (const StoredRun& run : runs) {
      found.rows.push_back(json_of(run));
      add_ratios(times_of(&db, run), run.id, run.started, &found.ratios);
    }
    const auto last = std::find_if(runs.rbegin(), runs.rend(),
                                   [](const StoredRun& run) { return run.what == "night"; });
    if (last != runs.rend()) add_last_night(&db, *last, &found);
  });
  return found;
}

std::vector<PageRatio> ratios_of_runs(const std::vector<std::filesystem::path>& runs) {
  std::vector<BenchmarkTime> times;
  std::string started;
  unsigned process = 0;
  for (const std::filesystem::path& run : runs) {
    std::ifstream in(run);
    const ordered_json json = ordered_json::parse(in, nullptr, false);
    if (!is_benchmark_json(json)) continue;
    try {
      for (BenchmarkTime& time : benchmark_times(json, "", &process))
        times.push_back(std::move(time));
      if (started.empty()) started = json["context"].value("date", "");
    } catch (const ordered_json::exception&) {
      continue;  // the page names files that are broken
    }
  }
  std::vector<PageRatio> ratios;
  add_ratios(times, "this run", started, &ratios);
  return ratios;
}

}  // namespace sigsweep
