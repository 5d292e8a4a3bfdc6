// Opens, and says in one line what is wrong.
#include "stress/host/history/history_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

#include "stress/host/history/schema.h"
#include "stress/host/results.h"

namespace sigsweep {
namespace {

constexpr const char* kUnchanged = "Nothing in it was changed";

Failure damaged(const std::string& path, const std::string& what) {
  return {kUsage,
          fmt::format("{}: is damaged: {}. {}; bring back a copy, or move it away: the next import "
                      "begins a new one",
                      path, what, kUnchanged)};
}

// What SQLite says, for a person.
Failure failure_of(const std::string& path, const SQLite::Exception& error) {
  const auto failed = [&](const std::string& what) {
    return Failure(kHarnessFailed, fmt::format("{}: {}. {}", path, what, kUnchanged));
  };
  switch (error.getErrorCode() & 0xff) {  // without what is extended
    case SQLITE_FULL:
      return failed("the disk is full");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return failed("cannot be written: the file, or its folder, can only be read");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return failed("another command is at work in it, and did not come to its end; try again");
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return damaged(path, error.what());
    default:
      return failed(fmt::format("cannot be read or written: {}", error.what()));
  }
}

// Is the file as SQLite left it? Before anything else is written to it.
void check_whole(SQLite::Database* db, const std::string& path) {
  const std::string said = db->execAndGet("PRAGMA quick_check(1)").getString();
  if (said != "ok") throw damaged(path, said);
}

}  // namespace

HistoryFile::HistoryFile(const std::string& path, For what, int wait_ms) : path_(path) {
  const bool is_there = std::filesystem::exists(path);
  if (!is_there && what == For::reading) {
    throw Failure(
        kUsage,
        fmt::format("{}: there is no history yet; `sigsweep history import` begins it", path));
  }
  try {
    make_folder_of(path);
  } catch (const std::runtime_error& error) {
    throw Failure(kHarnessFailed, error.what());
  }
  try {
    open(what, wait_ms);
  } catch (const SQLite::Exception& error) {
    throw failure_of(path_, error);
  }
}

// For reading, too, a file is opened to be written if that can be: the journal of a command that was
// killed must be played back first.
void HistoryFile::open(For what, int wait_ms) {
  const int create = what == For::writing ? SQLite::OPEN_CREATE : 0;
  db_ = std::make_unique<SQLite::Database>(path_, SQLite::OPEN_READWRITE | create, wait_ms);
  db_->exec("PRAGMA foreign_keys = ON");
  check_whole(db_.get(), path_);
  bring_up_to_date(db_.get(), path_, schema_steps());
}

void HistoryFile::read(const std::function<void(SQLite::Database&)>& work) {
  try {
    SQLite::Transaction transaction(*db_);  // what others write meanwhile is not seen
    work(*db_);
  } catch (const SQLite::Exception& error) {
    throw failure_of(path_, error);
  }
}

void HistoryFile::write(const std::function<void(SQLite::Database&)>& work) {
  try {
    SQLite::Transaction transaction(*db_, SQLite::TransactionBehavior::IMMEDIATE);
    work(*db_);
    transaction.commit();
  } catch (const SQLite::Exception& error) {
    throw failure_of(path_, error);
  }
}

}  // namespace sigsweep
