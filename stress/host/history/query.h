// What stands in a history, by name.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stress/host/history/benchmarks.h"
#include "stress/host/night_rows.h"

namespace sigsweep {

// What a run did, in counts.
struct RunCounts {
  std::int64_t parts = 0, cells = 0, trials = 0, claims = 0, storms = 0, campaigns = 0,
               benchmarks = 0, mutants = 0, findings = 0, unknown_findings = 0;
};

struct StoredRun {
  std::int64_t number = 0;
  std::string id, what, started, ended, build, command, seed, folder;
  std::optional<int> status;
  NightMachine machine;  // of that run: its floor is the run's
  RunCounts counts;
};

struct StoredFinding {
  std::string id, isa, protocol, site, handler, phase, verdict, detail, schedule;
  std::string first_seen, last_seen, first_build, last_build;
  std::int64_t count = 0;  // of runs that showed it
  bool known = false;      // the last time
};

std::vector<StoredRun> stored_runs(SQLite::Database* db);  // from the oldest

// `name`: an id, or the first letters of one alone; `last`: the youngest night; `last~N`: the Nth
// before it. Throws Failure(kUsage), with what there is.
StoredRun run_named(SQLite::Database* db, const std::string& name);
// The youngest night that began before this run; none: there is no such.
std::optional<StoredRun> night_before(SQLite::Database* db, const StoredRun& run);
std::optional<StoredFinding> finding_named(SQLite::Database* db, const std::string& name);
std::vector<StoredFinding> findings_of(SQLite::Database* db, const std::string& run_id);
// The runs that showed it, from the oldest: their ids, and when. A run may be gone from the history.
struct Sighting {
  std::string run, part, seen, build;
  bool known = false;
};
std::vector<Sighting> sightings_of(SQLite::Database* db, const std::string& finding);

std::vector<PartRow> parts_of(SQLite::Database* db, const StoredRun& run);
std::vector<BenchmarkTime> times_of(SQLite::Database* db, const StoredRun& run);

}  // namespace sigsweep
