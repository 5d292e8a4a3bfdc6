// Rows to tables, one function a kind.
#include "stress/host/history/import.h"

#include <SQLiteCpp/VariadicBind.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <nlohmann/json.hpp>

#include "stress/base/sha1.h"
#include "stress/host/files.h"

namespace sigsweep {
namespace {

using nlohmann::ordered_json;

std::int64_t sum_of(const ordered_json& counts) {
  std::int64_t sum = 0;
  for (const ordered_json& count : counts) sum += count.get<std::int64_t>();
  return sum;
}

// The text of a schedule that a row names by its file; empty: it can't be had any more.
std::string schedule_in(const std::string& file) {
  std::error_code error;
  if (!file.ends_with(".sched") || !std::filesystem::is_regular_file(file, error)) return {};
  return content_of(file);
}

struct SeenFinding {
  std::string id, isa, protocol, site, handler, phase, verdict, detail, schedule;
  bool known = false;
};

class Importer {
 public:
  Importer(SQLite::Database* db, const PastRun& run) : db_(db), run_(run) {}

  void take() {
    insert_run();
    for (const PartRow& part : run_.parts) insert_part(part);
    for (const PartedRow& row : run_.rows) take_row(row);
    for (const BenchmarkTime& t : run_.times)
      insert("benchmark", t.part, t.isa, t.name, t.process, t.ns);
    forget_unseen();
  }

 private:
  using Take = void (Importer::*)(const std::string& part, const ResultLine& row);

  template <class... Values>
  void run_statement(const std::string& sql, const Values&... values) {
    const auto [at, fresh] = statements_.try_emplace(sql);
    if (fresh) at->second = std::make_unique<SQLite::Statement>(*db_, sql);
    SQLite::Statement& statement = *at->second;
    statement.reset();
    SQLite::bind(statement, values...);
    statement.exec();
  }
  // A row of a table whose first column is the run.
  template <class... Values>
  void insert(const char* table, const Values&... values) {
    static constexpr std::string_view kMarks = ",?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?";
    run_statement(
        fmt::format("INSERT INTO {} VALUES(?{})", table, kMarks.substr(0, 2 * sizeof...(values))),
        number_, values...);
  }

  std::string utc(const std::string& time) const {
    SQLite::Statement query(*db_, "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?)");
    query.bind(1, time);
    query.executeStep();
    if (query.getColumn(0).isNull())
      throw Failure(kUsage,
                    fmt::format("run {}: \"{}\" is no time; RFC 3339 is expected", run_.id, time));
    return query.getColumn(0).getString();
  }

  std::int64_t machine() {
    const std::string features = fmt::format("{}", fmt::join(run_.machine.features, "\n"));
    run_statement("INSERT OR IGNORE INTO machine(processor, features) VALUES(?, ?)",
                  run_.machine.processor, features);
    SQLite::Statement query(*db_,
                            "SELECT number FROM machine WHERE processor = ? AND features = ?");
    SQLite::bind(query, run_.machine.processor, features);
    query.executeStep();
    const std::int64_t number = query.getColumn(0);
    if (run_.machine.floor_us) {
      run_statement("UPDATE machine SET floor_us = min(ifnull(floor_us, ?1), ?1) WHERE number = ?2",
                    *run_.machine.floor_us, number);
    }
    return number;
  }

  void insert_run() {
    started_ = utc(run_.started);
    run_statement(
        "INSERT INTO run(id, what, started, build, command, seed, machine, folder, digest) "
        "VALUES(?,?,?,?,?,?,?,?,?)",
        run_.id, run_.what, started_, run_.build, run_.command, run_.seed, machine(), run_.folder,
        run_.digest);
    number_ = db_->getLastInsertRowid();
    const auto set = [&](const char* column, const auto& value) {
      run_statement(fmt::format("UPDATE run SET {} = ? WHERE number = ?", column), value, number_);
    };
    if (!run_.ended.empty()) set("ended", utc(run_.ended));
    if (run_.budget) set("budget", *run_.budget);
    if (run_.status) set("status", *run_.status);
    if (run_.machine.floor_us) set("floor_us", *run_.machine.floor_us);
  }

  void insert_part(const PartRow& part) {
    insert("part", part.name, part.status, part.seconds, part.limit, ordered_json(part.work).dump(),
           part.log, part.reason);
  }

  void take_row(const PartedRow& row) {
    static const std::map<std::string, Take> kKinds = {
        {"cell", &Importer::cell},       {"claim", &Importer::claim},
        {"storm", &Importer::storm},     {"campaign", &Importer::campaign},
        {"finding", &Importer::finding}, {"group", &Importer::group},
        {"mutant", &Importer::mutant},
    };  // other kinds are no part of a history
    const auto kind = kKinds.find(row.line.text("kind"));
    if (kind == kKinds.end()) return;
    try {
      (this->*kind->second)(row.part, row.line);
    } catch (const nlohmann::json::exception& error) {
      throw Failure(kUsage,
                    fmt::format("{}: {} (results/schema.json)", row.line.place, error.what()));
    }
  }

  void cell(const std::string& part, const ResultLine& r) {
    insert("cell", part, r.text("isa"), r.text("protocol"), r.text("site"), r.text("handler"),
           r.text("form"), r.text("inject"), r.text("contain"), count(r, "boundaries"),
           count(r, "trials"), count(r, "landed"), count(r, "unreached"),
           r.object("verdicts").dump(), flag(r, "expected"), r.text("map"), real(r, "seconds"));
  }
  void claim(const std::string& part, const ResultLine& r) {
    insert("claim", part, count(r, "id"), r.text("isa"), r.text("statement"), flag(r, "holds"),
           count(r, "trials"), r.text("counterexample"), r.text("detail"));
  }
  void storm(const std::string& part, const ResultLine& r) {
    std::int64_t delivered = 0;  // of all sources
    for (const auto& source : r.json.at("sources"))
      delivered += source.at("delivered").get<std::int64_t>();
    insert("storm", part, r.text("isa"), r.text("protocol"), real(r, "seconds"), delivered,
           sum_of(r.object("operations")), r.object("verdicts").dump(), flag(r, "expected"),
           r.json.dump());
  }
  void campaign(const std::string& part, const ResultLine& r) {
    insert("campaign", part, r.text("target"), r.text("engine"), r.text("isa"), count(r, "execs"),
           count(r, "landed"), count(r, "findings"), r.text("problem"), real(r, "seconds"),
           r.json.dump());
  }
  // Neither killed nor equivalent: it survived, or was stopped.
  void mutant(const std::string& part, const ResultLine& r) {
    const auto text = [&](const char* key) { return r.json.value(key, std::string()); };
    const std::string killed_by =
        text("stage").empty() ? "" : fmt::format("{}: {}", text("stage"), text("by"));
    insert("mutant", part, r.text("isa"), r.text("symbol"), r.text("id"), killed_by, text("rule"),
           real(r, "seconds"));
  }
  void finding(const std::string& part, const ResultLine& r) {
    saw(part, {r.text("id"), r.text("isa"), r.text("protocol"), r.text("site"), r.text("handler"),
               r.text("phase"), r.text("verdict"), r.text("detail"), r.text("schedule"),
               flag(r, "known") != 0});
  }
  // Of a group each id is a finding; what only a target says has an id of what it says.
  void group(const std::string& part, const ResultLine& r) {
    std::vector<std::string> ids = r.json.at("ids");
    if (ids.empty()) ids = {sha1("group " + r.text("why")).substr(0, 16)};
    for (const std::string& id : ids) {
      saw(part, {id, "", r.text("protocol"), r.text("site"), "", r.text("phase"), r.text("verdict"),
                 r.text("why"), id == r.text("id") ? schedule_in(r.text("schedule")) : "",
                 flag(r, "known") != 0});
    }
  }

  // What a later run says of it takes the place of what an earlier one said, but nothing is lost: a
  // group knows less than a finding.
  void saw(const std::string& part, const SeenFinding& f) {
    run_statement(
        "INSERT INTO finding VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
        "detail = CASE WHEN excluded.isa = '' THEN detail ELSE excluded.detail END, "
        "schedule = CASE WHEN excluded.schedule = '' THEN schedule ELSE excluded.schedule END, "
        "isa = CASE WHEN excluded.isa = '' THEN isa ELSE excluded.isa END, "
        "handler = CASE WHEN excluded.isa = '' THEN handler ELSE excluded.handler END, "
        "phase = CASE WHEN excluded.isa = '' AND isa <> '' THEN phase ELSE excluded.phase END",
        f.id, f.isa, f.protocol, f.site, f.handler, f.phase, f.verdict, f.detail, f.schedule);
    run_statement("INSERT OR REPLACE INTO sighting VALUES(?,?,?,?,?,?)", f.id, run_.id, part,
                  started_, run_.build, f.known ? 1 : 0);
  }
  // Findings of a run whose place this one took, which no run shows now.
  void forget_unseen() {
    db_->exec("DELETE FROM finding WHERE id NOT IN (SELECT finding FROM sighting)");
  }

  static std::int64_t count(const ResultLine& row, const char* key) {
    return static_cast<std::int64_t>(row.number(key));
  }
  static double real(const ResultLine& row, const char* key) { return row.json.at(key); }
  static int flag(const ResultLine& row, const char* key) {
    return row.json.at(key).get<bool>() ? 1 : 0;
  }

  SQLite::Database* const db_;
  const PastRun& run_;
  std::map<std::string, std::unique_ptr<SQLite::Statement>> statements_;
  std::int64_t number_ = 0;  // of the run
  std::string started_;
};

// The digest of a run that is there; empty: it is not.
std::string digest_of(SQLite::Database* db, const std::string& id) {
  SQLite::Statement query(*db, "SELECT digest FROM run WHERE id = ?");
  query.bind(1, id);
  return query.executeStep() ? query.getColumn(0).getString() : "";
}

void drop_run(SQLite::Database* db, const std::string& id) {
  for (const char* sql : {"DELETE FROM run WHERE id = ?", "DELETE FROM sighting WHERE run = ?"}) {
    SQLite::Statement statement(*db, sql);
    statement.bind(1, id);
    statement.exec();
  }
}

}  // namespace

Taken take(const PastRun& run, HistoryFile* history) {
  Taken taken = Taken::fresh;
  history->write([&](SQLite::Database& db) {
    const std::string before = digest_of(&db, run.id);
    if (before == run.digest) {
      taken = Taken::was_there;
      return;
    }
    if (!before.empty()) {
      taken = Taken::anew;
      drop_run(&db, run.id);
    }
    Importer(&db, run).take();
  });
  return taken;
}

}  // namespace sigsweep
