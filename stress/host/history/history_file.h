// A history: one file of SQLite, of all runs that were imported into it.
//
// It keeps SQLite's rollback journal, and no write-ahead log: it is written once a night and read now
// and then, so that a reader seldom waits; a folder that can only be read, or lies on another machine,
// will do; and there is one file to copy. Commands wait for each other.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <functional>
#include <memory>
#include <string>

#include "stress/host/options.h"

namespace sigsweep {

inline constexpr int kWaitMs = 10000;  // for another command

class HistoryFile {
 public:
  enum class For { reading, writing };
  // For writing a file that is missing is made, and one of an older version brought up to date; the
  // latter for reading, too. Throws Failure: kUsage for one that is missing, damaged, of a newer
  // version or of another program, kHarnessFailed where it can't be read or written.
  HistoryFile(const std::string& path, For what, int wait_ms = kWaitMs);

  // Calls work() with the database, and makes one line of what SQLite says: throws Failure. All that
  // work() does to it is done in one transaction, or nothing: also if the process is killed.
  void read(const std::function<void(SQLite::Database&)>& work);
  void write(const std::function<void(SQLite::Database&)>& work);

  const std::string& path() const { return path_; }

 private:
  void open(For what, int wait_ms);
  std::string path_;
  std::unique_ptr<SQLite::Database> db_;
};

}  // namespace sigsweep
