// The steps of the schema.
//
// Times are RFC 3339 in UTC, as text: they sort. Counts by name (work, verdicts) and whole rows are
// JSON, as in results files.
#include "stress/host/history/schema.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "stress/host/options.h"

namespace sigsweep {
namespace {

constexpr int kApplication = 0x73677370;  // PRAGMA application_id: a history of sigsweep

constexpr const char* kTables = R"sql(
CREATE TABLE machine(
  number INTEGER PRIMARY KEY,
  processor TEXT NOT NULL,
  features TEXT NOT NULL,           -- one a line; empty: unknown
  floor_us REAL,                    -- the least that was measured
  UNIQUE(processor, features)) STRICT;
CREATE TABLE run(
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  what TEXT NOT NULL,               -- night, bench, or the command that it is of
  started TEXT NOT NULL,
  ended TEXT,                       -- null: it has not, or that is not known
  build TEXT NOT NULL,
  command TEXT NOT NULL,
  seed TEXT NOT NULL,               -- 64 bits without a sign
  budget REAL,
  status INTEGER,                   -- its exit status; null: it has not ended, or was killed
  machine INTEGER NOT NULL REFERENCES machine(number),
  floor_us REAL,
  folder TEXT NOT NULL,             -- where a night lay; else empty
  digest TEXT NOT NULL) STRICT;     -- of its files
CREATE INDEX run_by_time ON run(started);

CREATE TABLE part(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE,
  name TEXT NOT NULL, status TEXT NOT NULL, seconds REAL NOT NULL, time_limit REAL NOT NULL,
  work TEXT NOT NULL, log TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(run, name)) STRICT;
-- Of these, `part` is empty in a run that is no night.
CREATE TABLE cell(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE, part TEXT NOT NULL,
  isa TEXT NOT NULL, protocol TEXT NOT NULL, site TEXT NOT NULL, handler TEXT NOT NULL,
  form TEXT NOT NULL, inject TEXT NOT NULL, contain TEXT NOT NULL,
  boundaries INTEGER NOT NULL, trials INTEGER NOT NULL, landed INTEGER NOT NULL,
  unreached INTEGER NOT NULL, verdicts TEXT NOT NULL, expected INTEGER NOT NULL,
  map TEXT NOT NULL, seconds REAL NOT NULL) STRICT;
CREATE INDEX cell_of_run ON cell(run);
CREATE TABLE claim(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE, part TEXT NOT NULL,
  id INTEGER NOT NULL, isa TEXT NOT NULL, statement TEXT NOT NULL, holds INTEGER NOT NULL,
  trials INTEGER NOT NULL, counterexample TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX claim_of_run ON claim(run);
CREATE TABLE storm(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE, part TEXT NOT NULL,
  isa TEXT NOT NULL, protocol TEXT NOT NULL, seconds REAL NOT NULL, delivered INTEGER NOT NULL,
  operations INTEGER NOT NULL, verdicts TEXT NOT NULL, expected INTEGER NOT NULL,
  row TEXT NOT NULL) STRICT;
CREATE INDEX storm_of_run ON storm(run);
CREATE TABLE campaign(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE, part TEXT NOT NULL,
  target TEXT NOT NULL, engine TEXT NOT NULL, isa TEXT NOT NULL, execs INTEGER NOT NULL,
  landed INTEGER NOT NULL, findings INTEGER NOT NULL, problem TEXT NOT NULL,
  seconds REAL NOT NULL, row TEXT NOT NULL) STRICT;
CREATE INDEX campaign_of_run ON campaign(run);
CREATE TABLE benchmark(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE, part TEXT NOT NULL,
  isa TEXT NOT NULL, name TEXT NOT NULL, process INTEGER NOT NULL, ns REAL NOT NULL) STRICT;
CREATE INDEX benchmark_of_run ON benchmark(run);

-- A finding, and each run that showed it, outlive the run.
CREATE TABLE finding(
  id TEXT PRIMARY KEY,
  isa TEXT NOT NULL, protocol TEXT NOT NULL, site TEXT NOT NULL, handler TEXT NOT NULL,
  phase TEXT NOT NULL, verdict TEXT NOT NULL, detail TEXT NOT NULL,
  schedule TEXT NOT NULL) STRICT;   -- in text form; empty: there is none
CREATE TABLE sighting(
  finding TEXT NOT NULL REFERENCES finding(id), run TEXT NOT NULL, part TEXT NOT NULL,
  seen TEXT NOT NULL, build TEXT NOT NULL, known INTEGER NOT NULL,
  PRIMARY KEY(finding, run, part)) STRICT;
CREATE INDEX sighting_of_run ON sighting(run);
CREATE VIEW seen AS
  SELECT finding.*, min(sighting.seen) AS first_seen, max(sighting.seen) AS last_seen,
         count(DISTINCT sighting.run) AS count,
         (SELECT build FROM sighting s WHERE s.finding = id ORDER BY s.seen, s.run LIMIT 1)
           AS first_build,
         (SELECT build FROM sighting s WHERE s.finding = id ORDER BY s.seen DESC, s.run DESC LIMIT 1)
           AS last_build,
         (SELECT max(known) FROM sighting s WHERE s.finding = id AND s.seen =
           (SELECT max(seen) FROM sighting t WHERE t.finding = id)) AS known
  FROM finding JOIN sighting ON sighting.finding = finding.id GROUP BY finding.id;
)sql";

constexpr const char* kMutants = R"sql(
CREATE TABLE mutant(
  run INTEGER NOT NULL REFERENCES run(number) ON DELETE CASCADE, part TEXT NOT NULL,
  isa TEXT NOT NULL, symbol TEXT NOT NULL, change TEXT NOT NULL, killed_by TEXT NOT NULL,
  equivalent TEXT NOT NULL, seconds REAL NOT NULL) STRICT;
CREATE INDEX mutant_of_run ON mutant(run);
)sql";

constexpr SchemaStep kSteps[] = {{"runs, what they did, and findings", kTables},
                                 {"mutants", kMutants}};

int pragma(SQLite::Database* db, const char* name) {
  return db->execAndGet(fmt::format("PRAGMA {}", name)).getInt();
}

// The version of a file. Throws Failure(kUsage) for one that is none of ours.
std::size_t version_of(SQLite::Database* db, const std::string& path, std::size_t latest) {
  if (pragma(db, "application_id") != kApplication) {
    if (db->execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0) return 0;
    throw Failure(kUsage,
                  fmt::format("{}: is a database of another program; a history of sigsweep, "
                              "or a file that is not there yet, is expected",
                              path));
  }
  const int version = pragma(db, "user_version");
  if (version < 0 || static_cast<std::size_t>(version) > latest) {
    throw Failure(
        kUsage, fmt::format("{}: is of version {}, which a newer sigsweep has made; this one knows "
                            "version {} and older ones. Nothing in it was changed",
                            path, version, latest));
  }
  return static_cast<std::size_t>(version);
}

}  // namespace

std::span<const SchemaStep> schema_steps() {
  return kSteps;
}

bool is_up_to_date(SQLite::Database* db, const std::string& path,
                   std::span<const SchemaStep> steps) {
  return version_of(db, path, steps.size()) == steps.size();
}

void bring_up_to_date(SQLite::Database* db, const std::string& path,
                      std::span<const SchemaStep> steps) {
  if (is_up_to_date(db, path, steps)) return;
  // Asked again under the lock: another command may have done it meanwhile.
  SQLite::Transaction transaction(*db, SQLite::TransactionBehavior::IMMEDIATE);
  for (std::size_t at = version_of(db, path, steps.size()); at < steps.size(); at++)
    db->exec(steps[at].sql);
  db->exec(fmt::format("PRAGMA application_id = {}", kApplication));
  db->exec(fmt::format("PRAGMA user_version = {}", steps.size()));
  transaction.commit();
}

}  // namespace sigsweep
