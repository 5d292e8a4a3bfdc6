// One function a part of the command: the page to standard output, the same as rows to --json.
#include "stress/host/commands/history.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "stress/host/commands/fuzz_results.h"
#include "stress/host/commands/history_json.h"
#include "stress/host/history/clean.h"
#include "stress/host/history/compare_runs.h"
#include "stress/host/history/import.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::string counted(std::int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// "3 cells, 1 storm": those that are there.
std::string counts_text(const RunCounts& c) {
  std::vector<std::string> texts;
  const std::pair<std::int64_t, const char*> all[] = {
      {c.parts, "part"},     {c.claims, "claim"},        {c.cells, "cell"},
      {c.trials, "trial"},   {c.storms, "storm"},        {c.campaigns, "campaign"},
      {c.mutants, "mutant"}, {c.benchmarks, "benchmark"}};
  for (const auto& [count, what] : all)
    if (count != 0) texts.push_back(counted(count, what));
  const std::int64_t known = c.findings - c.unknown_findings;
  texts.push_back(counted(c.findings, "finding"));
  if (known != 0) texts.back() += fmt::format(" ({} acknowledged)", known);
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string status_text(const StoredRun& run) {
  return run.status ? fmt::format("status {}", *run.status) : "did not come to its end";
}

std::string line_of(const StoredRun& run) {
  return fmt::format("{:<24} {:<8} {}  {}; {}\n", run.id, run.what, run.started, status_text(run),
                     counts_text(run.counts));
}

std::string words_of(const StoredFinding& f) {
  std::vector<std::string> words;
  for (const std::string* word : {&f.isa, &f.protocol, &f.site, &f.handler, &f.verdict, &f.phase})
    if (!word->empty()) words.push_back(*word);
  return fmt::format("{}", fmt::join(words, " "));
}

// ---- import

int import_runs(const Options& o, ResultsWriter* results) {
  const std::vector<RunPlace> places = run_places(o.files);
  HistoryFile history(o.history.file, HistoryFile::For::writing);
  unsigned taken = 0;
  for (const RunPlace& place : places) {
    if (stop_requested) throw Failure(kStopped, "stopped; what was told of is in the history");
    std::optional<PastRun> run;
    try {
      run = read_run(place.path);
    } catch (const Failure& failure) {
      if (place.given || failure.status != kUsage) throw;
      fmt::print(stderr, "passed over: {}\n", failure.what());  // it was found in a folder
      continue;
    }
    for (const std::string& note : run->notes) fmt::print(stderr, "{}\n", note);
    const char* const how = kTakenNames[static_cast<unsigned>(take(*run, &history))];
    fmt::print("{:<10} {:<24} {}\n", how, run->id, place.path.string());
    write_row(results, {{"kind", "imported"},
                        {"id", run->id},
                        {"what", run->what},
                        {"from", place.path.string()},
                        {"taken", how},
                        {"notes", run->notes}});
    taken++;
  }
  if (taken == 0)
    throw Failure(kUsage, fmt::format("{}: there is no run in it", fmt::join(o.files, ", ")));
  return kAsExpected;
}

// ---- list

int list_runs(const Options& o, ResultsWriter* results) {
  HistoryFile(o.history.file, HistoryFile::For::reading).read([&](SQLite::Database& db) {
    for (const StoredRun& run : stored_runs(&db)) {
      fmt::print("{}", line_of(run));
      write_row(results, json_of(run));
    }
  });
  return kAsExpected;
}

// ---- show

void show_run(SQLite::Database* db, const StoredRun& run, ResultsWriter* results) {
  fmt::print("{}build {}\n{}\n", line_of(run), run.build, run.command);
  if (!run.machine.processor.empty()) fmt::print("on {}\n", run.machine.processor);
  write_row(results, json_of(run));
  for (const PartRow& part : parts_of(db, run)) {
    std::vector<std::string> work;
    for (const auto& [what, count] : part.work) work.push_back(fmt::format("{} {}", count, what));
    fmt::print("  {:<9} {:<28} {:>6.0f} s  {}{}{}\n", part.status, part.name, part.seconds,
               fmt::join(work, ", "), part.reason.empty() || work.empty() ? "" : "; ", part.reason);
    results->write_line(line_of(part));
  }
  for (const StoredFinding& f : findings_of(db, run.id)) {
    fmt::print("finding {} {}{}\n", f.id, f.known ? "(acknowledged) " : "",
               words_of(f).empty() ? f.detail : words_of(f));
    write_row(results, json_of(f));
  }
}

void show_finding(SQLite::Database* db, const StoredFinding& f, ResultsWriter* results) {
  fmt::print("finding {} {}\n", f.id, words_of(f));
  if (!f.detail.empty()) fmt::print("{}\n", f.detail);
  fmt::print("first seen {}, build {}\nlast seen  {}, build {}\nseen in {}{}\n", f.first_seen,
             f.first_build, f.last_seen, f.last_build, counted(f.count, "run"),
             f.known ? "; acknowledged" : "");
  write_row(results, json_of(f));
  for (const Sighting& s : sightings_of(db, f.id)) {
    fmt::print("  {}  {:<24} {}\n", s.seen, s.run, s.part);
  }
  if (!f.schedule.empty()) fmt::print("\n{}", f.schedule);
}

int show(const Options& o, ResultsWriter* results) {
  HistoryFile(o.history.file, HistoryFile::For::reading).read([&](SQLite::Database& db) {
    const std::string& name = o.files.at(0);
    if (const auto finding = finding_named(&db, name)) return show_finding(&db, *finding, results);
    show_run(&db, run_named(&db, name), results);
  });
  return kAsExpected;
}

// ---- compare

std::string sums_of(const RunContrast& c) {
  std::vector<std::string> sums;
  for (unsigned i = 0; i < std::size(kContrastNames); i++) {
    const std::size_t count = c.count(static_cast<Contrast>(i));
    if (count != 0 || i < static_cast<unsigned>(Contrast::not_judged))
      sums.push_back(fmt::format("{} {}", count, kContrastNames[i]));
  }
  sums.push_back(fmt::format("{} ratios judged", c.times_judged));
  return fmt::format("{}", fmt::join(sums, ", "));
}

std::string page_of(const RunContrast& c) {
  std::string page = fmt::format("{} ({}) against {} ({}): {}\n", c.now.id, c.now.started,
                                 c.before.id, c.before.started, sums_of(c));
  for (const ContrastRow& row : c.rows) {
    page += fmt::format("{:<11}  {} {}{}{}\n", kContrastNames[static_cast<unsigned>(row.what)],
                        row.subject, row.name, row.text.empty() ? "" : ": ", row.text);
  }
  return page;
}

int compare(const Options& o, ResultsWriter* results) {
  RunContrast c;
  HistoryFile(o.history.file, HistoryFile::For::reading).read([&](SQLite::Database& db) {
    c = contrast(&db, o.files.at(0), o.files.at(1));
  });
  fmt::print("{}", page_of(c));
  write_row(results, sums_json(c));
  for (const ContrastRow& row : c.rows) write_row(results, json_of(row));
  return c.fails() ? kFinding : kAsExpected;
}

// ---- clean

int clean_up(const Options& o, ResultsWriter* results) {
  const std::string keep = keep_time(o.history.keep);
  HistoryFile history(o.history.file, HistoryFile::For::writing);
  fmt::print("runs that began more than {} ago go, with their logs and corpora; findings stay\n",
             keep);
  std::size_t count = 0;
  clean(&history, keep, [&](const RemovedRun& removed) {
    const StoredRun& run = removed.run;
    count++;
    fmt::print("gone  {:<24} {}: {}\n", run.id, run.started, counts_text(run.counts));
    if (removed.files != 0) {
      fmt::print("      {}: {}, {:.1f} MB; {} of findings are kept\n", run.folder,
                 counted(static_cast<std::int64_t>(removed.files), "file"),
                 static_cast<double>(removed.bytes) * 1e-6, removed.files_kept);
    }
    if (removed.folder_left)
      fmt::print("      {}: stays; it is not the folder of that night now\n", run.folder);
    write_row(results, {{"kind", "cleaned"},
                        {"id", run.id},
                        {"started", run.started},
                        {"folder", run.folder},
                        {"files", removed.files},
                        {"bytes", removed.bytes},
                        {"files_kept", removed.files_kept}});
  });
  fmt::print("{} gone\n", counted(static_cast<std::int64_t>(count), "run"));
  return kAsExpected;
}

struct HistoryPart {
  const char* name;
  int (*run)(const Options&, ResultsWriter*);
};
constexpr HistoryPart kParts[] = {{"import", import_runs},
                                  {"list", list_runs},
                                  {"show", show},
                                  {"compare", compare},
                                  {"clean", clean_up}};

}  // namespace

int history_command(const Options& options) {
  const auto* const part = std::ranges::find(kParts, options.history.part, &HistoryPart::name);
  ResultsWriter results(options.json);
  write_run(&results, options);
  return write_to_end(&results, [&] { return part->run(options, &results); });
}

std::string take_night(const std::string& folder, const std::string& history_file) {
  const PastRun night = read_run(folder);
  HistoryFile history(history_file, HistoryFile::For::writing);
  take(night, &history);
  std::string page;
  history.read([&](SQLite::Database& db) {
    const StoredRun now = run_named(&db, night.id);
    const std::optional<StoredRun> before = night_before(&db, now);
    page = before ? page_of(contrast(&db, before->id, now.id))
                  : fmt::format("{} is the first night of {}\n", now.id, history_file);
  });
  return page;
}

}  // namespace sigsweep
