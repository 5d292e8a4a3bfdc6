// The file itself: versions, damage, two at once, kills, a disk that is full.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/host/history/history_fixture.h"
#include "stress/host/history/schema.h"

namespace sigsweep {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HistoryOfAFile : public History {
 protected:
  std::string opened(HistoryFile::For what, int wait_ms = 0) {
    return refused([&] { HistoryFile(file(), what, wait_ms); });
  }
  void import_one() { import(night("one", 1, {part("prove", {a_cell("scavenge_m")})})); }
  std::string content() { return content_of(file()); }
};

TEST_F(HistoryOfAFile, OfVersionOneIsBroughtUpToDateAndKeepsItsRuns) {
  {
    SQLite::Database db(file(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    bring_up_to_date(&db, file(), schema_steps().first(1));
    db.exec(
        "INSERT INTO machine VALUES(1, 'Some CPU', 'xcr0=0x7', 3.5);"
        "INSERT INTO run VALUES(1, 'old', 'night', '2026-10-01T03:00:00Z', NULL, 'b', 'c', '7', "
        "60.0, 0, 1, 3.5, '', 'd');"
        "INSERT INTO cell VALUES(1, 'prove', 'amd64', 'reject', 'scavenge_m', 'gc_m', 'single', "
        "'direct', 'place', 5, 10, 10, 0, '{}', 1, '0123456789abcdef', 0.5)");
  }
  ASSERT_EQ(number("PRAGMA user_version"), 1);
  std::vector<StoredRun> runs;
  HistoryFile(file(), HistoryFile::For::reading).read([&](SQLite::Database& db) {
    runs = stored_runs(&db);
  });
  EXPECT_EQ(number("PRAGMA user_version"), static_cast<int>(schema_steps().size()));
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].id, "old");
  EXPECT_EQ(runs[0].counts.trials, 10);
  EXPECT_EQ(runs[0].counts.mutants, 0);
  EXPECT_EQ(integrity(), "ok");
}

TEST_F(HistoryOfAFile, WhoseLastStepFailsIsAsItWas) {
  import_one();
  std::vector<SchemaStep> steps(schema_steps().begin(), schema_steps().end());
  steps.push_back({"", "CREATE TABLE half(x); INSERT INTO no_such_table VALUES(1)"});
  {
    SQLite::Database db(file(), SQLite::OPEN_READWRITE);
    EXPECT_THROW(bring_up_to_date(&db, file(), steps), SQLite::Exception);
  }
  EXPECT_EQ(number("PRAGMA user_version"), static_cast<int>(schema_steps().size()));
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
}

TEST_F(HistoryOfAFile, OfANewerVersionIsRefusedAndUntouched) {
  import_one();
  SQLite::Database(file(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  const std::string before = content();
  for (const auto what : {HistoryFile::For::reading, HistoryFile::For::writing}) {
    EXPECT_EQ(opened(what),
              "2: " + file() +
                  ": is of version 99, which a newer sigsweep has made; this one knows "
                  "version 2 and older ones. Nothing in it was changed");
  }
  EXPECT_EQ(content(), before);
}

TEST_F(HistoryOfAFile, OfAnotherProgramIsRefusedAndUntouched) {
  SQLite::Database(file(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE a(b)");
  const std::string before = content();
  EXPECT_THAT(opened(HistoryFile::For::writing), HasSubstr("is a database of another program"));
  EXPECT_EQ(content(), before);
}

TEST_F(HistoryOfAFile, ThatIsNoDatabaseIsRefusedAndUntouched) {
  write("history.sqlite", std::string(5000, 'x'));
  for (const auto what : {HistoryFile::For::reading, HistoryFile::For::writing}) {
    EXPECT_EQ(opened(what),
              "2: " + file() +
                  ": is damaged: file is not a database. Nothing in it was changed; bring "
                  "back a copy, or move it away: the next import begins a new one");
  }
  EXPECT_EQ(content(), std::string(5000, 'x'));
}

std::vector<ordered_json> many_cells() {
  std::vector<ordered_json> cells(400);
  for (std::size_t i = 0; i < cells.size(); i++) cells[i] = a_cell("site" + std::to_string(i));
  return cells;
}

TEST_F(HistoryOfAFile, ThatIsDamagedInTheMiddleIsRefusedAndUntouched) {
  import(night("one", 1, {part("prove", many_cells())}));
  std::string bytes = content();
  ASSERT_GT(bytes.size(), 60000U);
  for (std::size_t at = 12288; at < bytes.size(); at += 4096) bytes.replace(at, 64, 64, '\xff');
  write("history.sqlite", bytes);
  for (const auto what : {HistoryFile::For::reading, HistoryFile::For::writing})
    EXPECT_THAT(opened(what), StartsWith("2: " + file() + ": is damaged: "));
  EXPECT_EQ(content(), bytes);
}

TEST_F(HistoryOfAFile, ThatIsMissingCanBeWrittenAndNotRead) {
  EXPECT_EQ(opened(HistoryFile::For::reading),
            "2: " + file() + ": there is no history yet; `sigsweep history import` begins it");
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_EQ(opened(HistoryFile::For::writing), "taken");
  EXPECT_EQ(opened(HistoryFile::For::reading), "taken");
}

TEST_F(HistoryOfAFile, ThatAnotherCommandIsWritingIsRefusedInOneLine) {
  import_one();
  const PastRun two = read_run(night("two", 2, {part("prove", {a_cell("scavenge_m")})}));
  HistoryFile second(file(), HistoryFile::For::writing, 0);
  {
    SQLite::Database first(file(), SQLite::OPEN_READWRITE);
    SQLite::Transaction working(first, SQLite::TransactionBehavior::IMMEDIATE);
    EXPECT_EQ(refused([&] { take(two, &second); }),
              "3: " + file() +
                  ": another command is at work in it, and did not come to its end; try "
                  "again. Nothing in it was changed");
  }
  EXPECT_EQ(number("SELECT count(*) FROM run"), 1);
  EXPECT_EQ(take(two, &second), Taken::fresh);
}

// Each waits for the others to come to their end; one of them makes the file.
TEST_F(HistoryOfAFile, IsWrittenByTwoCommandsOneAfterTheOther) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; i++) {
    const std::string path =
        night("night" + std::to_string(i), 2, {part("prove", {a_cell("a"), a_cell("b")})});
    const pid_t child = fork();
    if (child == 0) {
      int status = 1;
      try {
        status = import(path) == Taken::fresh ? 0 : 2;
      } catch (const std::exception&) {
      }
      _exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(number("SELECT count(*) FROM run"), 4);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 8);
  EXPECT_EQ(integrity(), "ok");
}

TEST_F(HistoryOfAFile, IsWholeIfAnImportIsKilledInTheMiddle) {
  import_one();
  const PastRun two = read_run(night("two", 2, {part("prove", {a_cell("scavenge_m")})}));
  const pid_t child = fork();
  if (child == 0) {
    HistoryFile history(file(), HistoryFile::For::writing);
    history.write([&](SQLite::Database& db) {
      db.exec("PRAGMA cache_size = 1");  // so that what is written reaches the file before its end
      for (int i = 0; i < 2000; i++) db.exec("INSERT INTO cell SELECT * FROM cell LIMIT 1");
      kill(getpid(), SIGKILL);
    });
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(std::filesystem::exists(file() + "-journal")) << "nothing had reached the file";
  EXPECT_EQ(opened(HistoryFile::For::reading), "taken");
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 1);
  EXPECT_EQ(integrity(), "ok");
  EXPECT_EQ(import(folder_ + "/two"), Taken::fresh);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 2);
}

// SQLite refuses to let the file grow, as it does on a full disk.
TEST_F(HistoryOfAFile, KeepsWhatItHasIfThereIsNoRoom) {
  import_one();
  const PastRun two = read_run(night("two", 2, {part("prove", many_cells())}));
  HistoryFile history(file(), HistoryFile::For::writing);
  history.read([](SQLite::Database& db) { db.execAndGet("PRAGMA max_page_count = 1"); });
  EXPECT_EQ(refused([&] { take(two, &history); }),
            "3: " + file() + ": the disk is full. Nothing in it was changed");
  EXPECT_EQ(number("SELECT count(*) FROM run"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM cell"), 1);
  EXPECT_EQ(integrity(), "ok");
}

}  // namespace
}  // namespace sigsweep
