#include "stress/host/commands/report_history.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

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
    return sorted[static_cast<std::size_t>(
        std::lround(share * static_cast<double>(sorted.size() - 1)))];
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

// All that differs, counted by what it is, and the first rows of each.
void add_contrast(const RunContrast& c, HistoryOnPage* found) {
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, std::size_t>> counts;
  std::vector<ordered_json> rows;
  for (const ContrastRow& row : c.rows) {
    ordered_json json = json_of(row);
    auto& [all, failing] = counts[{json["what"], json["subject"]}];
    if (++all <= kMostContrasts) rows.push_back(std::move(json));
    if (row.fails) failing++;
  }
  ordered_json sums = sums_json(c);
  sums["counts"] = ordered_json::array();
  for (const auto& [of, n] : counts)
    sums["counts"].push_back(
        {{"what", of.first}, {"subject", of.second}, {"all", n.first}, {"fail", n.second}});
  found->rows.push_back(std::move(sums));
  std::ranges::move(rows, std::back_inserter(found->rows));
}

// What is new since the night before, and what the night that is shown had found.
void add_night(SQLite::Database* db, const StoredRun& night, HistoryOnPage* found) {
  for (const PartRow& part : parts_of(db, night))
    found->rows.push_back(ordered_json::parse(line_of(part)));
  for (const StoredFinding& finding : findings_of(db, night.id))
    found->rows.push_back(json_of(finding));
  const std::optional<StoredRun> before = night_before(db, night);
  if (!before) return;
  found->place.before = before->id;
  found->place.before_started = before->started;
  found->place.before_build = before->build;
  add_contrast(contrast(db, before->id, night.id), found);
}

// The night that is shown, of `runs`, which go from the oldest; null: it is not there.
const StoredRun* shown(const std::vector<StoredRun>& runs, const std::string& night) {
  const auto at = std::find_if(runs.rbegin(), runs.rend(), [&](const StoredRun& run) {
    return run.what == "night" && (night.empty() || run.id == night);
  });
  return at == runs.rend() ? nullptr : &*at;
}

}  // namespace

HistoryOnPage history_on_page(const std::filesystem::path& path, const std::string& night) {
  HistoryOnPage found;
  found.place.file = path.filename().string();
  HistoryFile(path.string(), HistoryFile::For::reading).read([&](SQLite::Database& db) {
    const std::vector<StoredRun> runs = stored_runs(&db);
    const StoredRun* const now = shown(runs, night);
    found.place.night = now != nullptr ? now->id : night;
    found.place.has_night = now != nullptr;
    for (const StoredRun& run : runs) {
      const bool later = now != nullptr && run.started > now->started;
      if (later && run.what == "night") found.place.later++;
      if (later) continue;
      found.rows.push_back(json_of(run));
      add_ratios(times_of(&db, run), run.id, run.started, &found.ratios);
    }
    if (now != nullptr) add_night(&db, *now, &found);
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
