// Tables to values.
#include "stress/host/history/query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The columns of kRuns, in their order.
StoredRun run_in(const SQLite::Statement& row) {
  StoredRun run;
  run.number = row.getColumn(0);
  std::string* const texts[] = {&run.id,    &run.what,    &run.started, &run.ended,
                                &run.build, &run.command, &run.seed,    &run.folder};
  int at = 1;
  for (std::string* text : texts) *text = row.getColumn(at++).getString();  // null: empty
  if (!row.isColumnNull(at)) run.status = row.getColumn(at).getInt();
  if (!row.isColumnNull(++at)) run.machine.floor_us = row.getColumn(at).getDouble();
  run.machine.processor = row.getColumn(++at).getString();
  run.machine.features = lines_in(row.getColumn(++at).getString());
  RunCounts& c = run.counts;
  for (std::int64_t* count : {&c.parts, &c.cells, &c.trials, &c.claims, &c.storms, &c.campaigns,
                              &c.benchmarks, &c.mutants, &c.findings, &c.unknown_findings})
    *count = row.getColumn(++at);
  return run;
}

constexpr const char* kRuns =
    "SELECT number, id, what, started, ended, build, command, seed, folder, status, run.floor_us, "
    "processor, features, (SELECT count(*) FROM part WHERE run = number), "
    "(SELECT count(*) FROM cell WHERE run = number), "
    "(SELECT ifnull(sum(trials), 0) FROM cell WHERE run = number), "
    "(SELECT count(*) FROM claim WHERE run = number), "
    "(SELECT count(*) FROM storm WHERE run = number), "
    "(SELECT count(*) FROM campaign WHERE run = number), "
    "(SELECT count(DISTINCT isa || name) FROM benchmark WHERE run = number), "
    "(SELECT count(*) FROM mutant WHERE run = number), "
    "(SELECT count(DISTINCT finding) FROM sighting WHERE sighting.run = run.id), "
    "(SELECT count(DISTINCT finding) FROM sighting WHERE sighting.run = run.id AND known = 0) "
    "FROM (SELECT run.*, processor, features FROM run JOIN machine ON machine.number = "
    "run.machine) "
    "AS run ";

std::vector<StoredRun> runs_where(SQLite::Database* db, const std::string& where,
                                  const std::string& value) {
  SQLite::Statement query(*db, kRuns + where + " ORDER BY started, id");
  if (query.getBindParameterCount() == 1) query.bind(1, value);
  std::vector<StoredRun> runs;
  while (query.executeStep()) runs.push_back(run_in(query));
  return runs;
}

constexpr const char* kFindings =
    "SELECT id, isa, protocol, site, handler, phase, verdict, detail, schedule, first_seen, "
    "last_seen, first_build, last_build, count, known FROM seen ";

std::vector<StoredFinding> findings_where(SQLite::Database* db, const std::string& where,
                                          const std::string& value) {
  SQLite::Statement query(*db, kFindings + where);
  query.bind(1, value);
  std::vector<StoredFinding> findings;
  while (query.executeStep()) {
    StoredFinding f;
    std::string* const texts[] = {&f.id,        &f.isa,        &f.protocol,  &f.site,
                                  &f.handler,   &f.phase,      &f.verdict,   &f.detail,
                                  &f.schedule,  &f.first_seen, &f.last_seen, &f.first_build,
                                  &f.last_build};
    int at = 0;
    for (std::string* text : texts) *text = query.getColumn(at++).getString();
    f.count = query.getColumn(at++);
    f.known = query.getColumn(at).getInt() != 0;
    findings.push_back(std::move(f));
  }
  return findings;
}

// N of "last~N"; 0 of "last"; none: another name.
std::optional<std::size_t> nights_back(const std::string& name) {
  if (name == "last") return 0;
  constexpr std::string_view kLast = "last~";
  if (!name.starts_with(kLast)) return {};
  std::size_t back = 0;
  const char* const end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + kLast.size(), end, back);
  if (error != std::errc() || at != end) return {};
  return back;
}

StoredRun night_back(SQLite::Database* db, const std::string& name, std::size_t back) {
  std::vector<StoredRun> nights = runs_where(db, "WHERE what = ?", "night");
  if (back >= nights.size()) {
    throw Failure(kUsage, fmt::format("{}: this history has {} night{}", name, nights.size(),
                                      nights.size() == 1 ? "" : "s"));
  }
  return nights[nights.size() - 1 - back];
}

std::string as_list(const std::vector<StoredRun>& runs) {
  std::vector<std::string> ids;
  ids.reserve(runs.size());
  for (const StoredRun& run : runs) ids.push_back(run.id);
  return fmt::format("{}", fmt::join(ids, ", "));
}

// A whole name wins; else it may be the beginning of one.
constexpr const char* kByName = "WHERE substr(id, 1, length(?1)) = ?1 AND ?1 <> ''";

template <class Named>
void keep_whole_name(const std::string& name, std::vector<Named>* all) {
  const auto whole = std::ranges::find(*all, name, &Named::id);
  if (whole != all->end()) *all = {Named(*whole)};
}

}  // namespace

std::vector<StoredRun> stored_runs(SQLite::Database* db) {
  return runs_where(db, "", "");
}

StoredRun run_named(SQLite::Database* db, const std::string& name) {
  if (const auto back = nights_back(name)) return night_back(db, name, *back);
  std::vector<StoredRun> found = runs_where(db, kByName, name);
  keep_whole_name(name, &found);
  if (found.size() == 1) return found.front();
  if (!found.empty())
    throw Failure(kUsage, fmt::format("{}: may be any of {}", name, as_list(found)));
  throw Failure(
      kUsage,
      fmt::format("{}: no run of this history; `sigsweep history list` has their names", name));
}

std::optional<StoredRun> night_before(SQLite::Database* db, const StoredRun& run) {
  std::vector<StoredRun> nights =
      runs_where(db, "WHERE what = 'night' AND started < ?", run.started);
  if (nights.empty()) return {};
  return std::move(nights.back());
}

std::optional<StoredFinding> finding_named(SQLite::Database* db, const std::string& name) {
  std::vector<StoredFinding> found = findings_where(db, kByName, name);
  keep_whole_name(name, &found);
  if (found.empty()) return {};
  if (found.size() == 1) return found.front();
  throw Failure(kUsage,
                fmt::format("{}: {} findings begin so; give more of the id", name, found.size()));
}

std::vector<StoredFinding> findings_of(SQLite::Database* db, const std::string& run_id) {
  return findings_where(
      db, "WHERE id IN (SELECT finding FROM sighting WHERE run = ?) ORDER BY known, id", run_id);
}

std::vector<Sighting> sightings_of(SQLite::Database* db, const std::string& finding) {
  SQLite::Statement query(*db,
                          "SELECT run, part, seen, build, known FROM sighting WHERE finding = ? "
                          "ORDER BY seen, run, part");
  query.bind(1, finding);
  std::vector<Sighting> sightings;
  while (query.executeStep()) {
    sightings.push_back({query.getColumn(0), query.getColumn(1), query.getColumn(2),
                         query.getColumn(3), query.getColumn(4).getInt() != 0});
  }
  return sightings;
}

std::vector<PartRow> parts_of(SQLite::Database* db, const StoredRun& run) {
  SQLite::Statement query(*db,
                          "SELECT name, status, seconds, time_limit, work, log, reason FROM part "
                          "WHERE run = ? ORDER BY rowid");
  query.bind(1, run.number);
  std::vector<PartRow> parts;
  while (query.executeStep()) {
    PartRow part;
    part.name = query.getColumn(0).getString();
    part.status = query.getColumn(1).getString();
    part.seconds = query.getColumn(2);
    part.limit = query.getColumn(3);
    part.work = nlohmann::json::parse(query.getColumn(4).getString());
    part.log = query.getColumn(5).getString();
    part.reason = query.getColumn(6).getString();
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<BenchmarkTime> times_of(SQLite::Database* db, const StoredRun& run) {
  SQLite::Statement query(*db, "SELECT part, isa, name, process, ns FROM benchmark WHERE run = ?");
  query.bind(1, run.number);
  std::vector<BenchmarkTime> times;
  while (query.executeStep()) {
    times.push_back({query.getColumn(0), query.getColumn(1), query.getColumn(2),
                     query.getColumn(3).getUInt(), query.getColumn(4)});
  }
  return times;
}

}  // namespace sigsweep
