// One function a kind of thing that is compared.
#include "stress/host/history/compare_runs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace sigsweep {
namespace {

std::vector<std::string> without(const std::vector<std::string>& all,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> left;
  std::ranges::copy_if(all, std::back_inserter(left), [&](const std::string& one) {
    return std::ranges::count(others, one) == 0;
  });
  return left;
}

// Why times of the two cannot be compared; empty: they can.
std::string why_unlike(const NightMachine& then, const NightMachine& now) {
  if (then.features.empty() || now.features.empty())
    return "one of the runs does not tell its machine's features";
  if (then.processor != now.processor) {
    return fmt::format("the machines are not alike: {} then, {} now", then.processor,
                       now.processor);
  }
  if (then.features == now.features) return {};
  std::vector<std::string> differ;
  for (const std::string& one : without(then.features, now.features))
    differ.push_back(one + " then");
  for (const std::string& one : without(now.features, then.features))
    differ.push_back(one + " now");
  return fmt::format("the machines are not alike: other features: {}", fmt::join(differ, ", "));
}

std::string place_of(const StoredFinding& f) {
  std::vector<std::string> words;
  for (const std::string* word : {&f.isa, &f.protocol, &f.site, &f.handler, &f.verdict, &f.phase})
    if (!word->empty()) words.push_back(*word);
  if (words.empty()) words.push_back(f.detail);  // what a target says
  return fmt::format("{}", fmt::join(words, " "));
}

class Contraster {
 public:
  Contraster(SQLite::Database* db, StoredRun before, StoredRun now)
      : db_(db), result_{std::move(before), std::move(now), {}, 0} {
    for (PartRow& part : parts_of(db_, result_.now)) {
      std::string name = part.name;
      parts_now_.emplace(std::move(name), std::move(part));
    }
  }

  RunContrast run() {
    compare_findings();
    compare_claims();
    compare_storms();
    compare_parts();
    compare_cells();
    compare_benchmarks();
    std::ranges::stable_sort(result_.rows, {}, &ContrastRow::what);
    return std::move(result_);
  }

 private:
  void add(Contrast what, const char* subject, std::string name, std::string text,
           bool fails = false) {
    result_.rows.push_back({what, subject, std::move(name), std::move(text), fails});
  }

  void compare_findings() {
    const std::vector<StoredFinding> before = findings_of(db_, result_.before.id),
                                     now = findings_of(db_, result_.now.id);
    const auto has = [](const std::vector<StoredFinding>& all, const std::string& id) {
      return std::ranges::count(all, id, &StoredFinding::id) != 0;
    };
    for (const StoredFinding& f : now) {
      if (has(before, f.id)) continue;
      const bool known = was_known(f.id);
      add(Contrast::fresh, "finding", f.id,
          fmt::format("{}{}; {}", place_of(f), known ? " (acknowledged)" : "", since(f)), !known);
    }
    for (const StoredFinding& f : before) {
      if (has(now, f.id)) continue;
      if (looked_for(f)) {
        add(Contrast::gone, "finding", f.id, place_of(f));
      } else {
        add(Contrast::not_run, "finding", f.id, place_of(f) + "; nothing looked for it");
      }
    }
  }
  std::string since(const StoredFinding& f) const {
    if (f.first_seen == result_.now.started) return "never seen before";
    return "first seen " + f.first_seen;
  }
  bool was_known(const std::string& id) {
    SQLite::Statement query(*db_, "SELECT min(known) FROM sighting WHERE finding = ? AND run = ?");
    query.bind(1, id);
    query.bind(2, result_.now.id);
    return query.executeStep() && query.getColumn(0).getInt() != 0;
  }
  // Did `now` do what showed it then: the same part, or the same cell?
  bool looked_for(const StoredFinding& f) {
    for (const Sighting& s : sightings_of(db_, f.id)) {
      const auto part = parts_now_.find(s.part);
      if (s.run != result_.before.id || part == parts_now_.end()) continue;
      if (part->second.ran() && part->second.did_work()) return true;
    }
    SQLite::Statement query(*db_,
                            "SELECT count(*) FROM cell WHERE run = ? AND isa = ? AND protocol = ? "
                            "AND site = ? AND handler = ? AND trials > 0");
    query.bind(1, result_.now.number);
    int at = 2;
    for (const std::string* word : {&f.isa, &f.protocol, &f.site, &f.handler})
      query.bind(at++, *word);
    return query.executeStep() && query.getColumn(0).getInt() > 0;
  }

  // name -> (did it go right in all of its rows?, what to say)
  using Outcomes = std::map<std::string, std::pair<bool, std::string>>;
  // `sql`: a row a thing: name, is right, text.
  Outcomes outcomes(const StoredRun& run, const char* sql) {
    SQLite::Statement query(*db_, sql);
    query.bind(1, run.number);
    Outcomes all;
    while (query.executeStep()) {
      const bool right = query.getColumn(1).getInt() != 0;
      const auto [at, fresh] =
          all.try_emplace(query.getColumn(0).getString(), right, query.getColumn(2).getString());
      if (!fresh && !right) at->second = {false, query.getColumn(2).getString()};
    }
    return all;
  }
  void compare_outcomes(const char* subject, const char* sql) {
    const Outcomes before = outcomes(result_.before, sql), now = outcomes(result_.now, sql);
    for (const auto& [name, outcome] : now) {
      const auto then = before.find(name);
      const bool was_wrong = then != before.end() && !then->second.first;
      if (!outcome.first && !was_wrong) add(Contrast::fresh, subject, name, outcome.second, true);
      if (outcome.first && was_wrong) add(Contrast::gone, subject, name, then->second.second);
    }
    for (const auto& [name, outcome] : before) {
      if (!now.contains(name)) add(Contrast::not_run, subject, name, outcome.second);
    }
  }
  void compare_claims() {
    compare_outcomes("claim",
                     "SELECT id || ' ' || isa, holds, statement || CASE WHEN holds OR detail = '' "
                     "THEN '' ELSE ': ' || detail END FROM claim WHERE run = ?");
  }
  void compare_storms() {
    compare_outcomes("storm",
                     "SELECT isa || ' ' || protocol, expected, CASE WHEN expected THEN '' ELSE "
                     "'not as the protocol promises: ' || verdicts END FROM storm WHERE run = ?");
  }

  void compare_parts() {
    for (const PartRow& part : parts_of(db_, result_.before)) {
      if (part.ran() && !parts_now_.contains(part.name))
        add(Contrast::not_run, "part", part.name, "the night has no such part");
    }
    for (const auto& [name, part] : parts_now_) {
      if (!part.ran()) add(Contrast::not_run, "part", name, part.status + reason_of(part));
      if (part.ran() && !part.did_work()) add(Contrast::no_work, "part", name, "all counts are 0");
    }
  }
  static std::string reason_of(const PartRow& part) {
    return part.reason.empty() ? "" : ": " + part.reason;
  }

  // By protocol, or there would be thousands of lines.
  void compare_cells() {
    constexpr const char* kNotRun =
        "SELECT isa, protocol, form, count(*) FROM cell c WHERE run = ?1 AND NOT EXISTS (SELECT 1 "
        "FROM cells_now n WHERE (n.isa, n.protocol, n.site, n.handler, n.form, n.inject, "
        "n.contain) = "
        "(c.isa, c.protocol, c.site, c.handler, c.form, c.inject, c.contain)) GROUP BY 1, 2, 3";
    constexpr const char* kNoWork =
        "SELECT isa, protocol, form, count(*) FROM cell WHERE run = ?1 AND trials = 0 "
        "GROUP BY 1, 2, 3";
    // Without an index the search for each cell takes as long as there are cells.
    db_->exec("DROP TABLE IF EXISTS temp.cells_now");
    db_->exec(
        fmt::format("CREATE TEMP TABLE cells_now AS SELECT isa, protocol, site, handler, form, "
                    "inject, contain FROM cell WHERE run = {}",
                    result_.now.number));
    db_->exec(
        "CREATE INDEX temp.cells_now_by_name ON cells_now(isa, protocol, site, handler, form)");
    add_cells(Contrast::not_run, kNotRun, result_.before);
    add_cells(Contrast::no_work, kNoWork, result_.now);
  }
  void add_cells(Contrast what, const char* sql, const StoredRun& run) {
    SQLite::Statement query(*db_, sql);
    query.bind(1, run.number);
    while (query.executeStep()) {
      const std::string name =
          fmt::format("{} {} {}", query.getColumn(0).getString(), query.getColumn(1).getString(),
                      query.getColumn(2).getString());
      const std::int64_t count = query.getColumn(3);
      add(what, "cells", name, fmt::format("{} cell{}", count, count == 1 ? "" : "s"));
    }
  }

  void compare_benchmarks() {
    const auto before = times_of(db_, result_.before), now = times_of(db_, result_.now);
    if (before.empty() || now.empty()) return;  // not run, if it is a part
    const std::string why = why_unlike(result_.before.machine, result_.now.machine);
    if (!why.empty()) {
      add(Contrast::not_judged, "benchmark", "all", why);
      return;
    }
    TimesCompared times = compare_times(before, now);
    result_.times_judged = times.judged;
    for (const std::string& reason : times.not_judged)
      add(Contrast::not_judged, "benchmark", reason.substr(0, reason.find(' ')), reason);
    for (SlowerRow& s : times.slower) {
      result_.rows.push_back(
          {Contrast::slower, "benchmark", s.name,
           fmt::format("{}, in {}: {:.3f} then, {:.3f} now: {:.0f} % slower (chance {:.2g}, {} and "
                       "{} processes)",
                       s.isa, fmt::join(s.peers, " + "), s.before, s.now,
                       100 * (s.now / s.before - 1), s.chance, s.processes_before, s.processes_now),
           true, s});
    }
  }

  SQLite::Database* const db_;
  RunContrast result_;
  std::map<std::string, PartRow> parts_now_;
};

}  // namespace

std::size_t RunContrast::count(Contrast what) const {
  return static_cast<std::size_t>(std::ranges::count(rows, what, &ContrastRow::what));
}

bool RunContrast::fails() const {
  return std::ranges::any_of(rows, &ContrastRow::fails);
}

RunContrast contrast(SQLite::Database* db, const std::string& before, const std::string& now) {
  return Contraster(db, run_named(db, before), run_named(db, now)).run();
}

}  // namespace sigsweep
