// The folder goes first: a run whose folder is gone is still in the history, and is cleaned again.
#include "stress/host/history/clean.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "stress/host/files.h"
#include "stress/host/history/past_run.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKeptFolder = "findings";

bool is_kept(const fs::path& file, const fs::path& folder) {
  const fs::path below = file.lexically_relative(folder).parent_path();
  return std::ranges::any_of(below, [](const fs::path& name) { return name == kKeptFolder; });
}

void remove_folder(RemovedRun* removed) {
  const fs::path folder = removed->run.folder;
  std::vector<fs::path> folders;
  // The night's own file last: without it nobody knows what the folder is.
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    (entry.is_directory() && !entry.is_symlink() ? folders : files).push_back(entry.path());
  }
  std::stable_partition(files.begin(), files.end(),
                        [&](const fs::path& f) { return f != folder / kNightFile; });
  for (const fs::path& file : files) {
    if (is_kept(file, folder)) {
      removed->files_kept++;
      continue;
    }
    removed->files++;
    removed->bytes += fs::is_regular_file(fs::symlink_status(file)) ? fs::file_size(file) : 0;
    fs::remove(file);
  }
  std::ranges::sort(folders, std::greater<>());  // those within others first
  folders.push_back(folder);
  for (const fs::path& each : folders) {
    if (fs::is_empty(each)) fs::remove(each);
  }
}

void forget(SQLite::Database* db, const StoredRun& run) {
  SQLite::Statement statement(*db, "DELETE FROM run WHERE number = ?");
  statement.bind(1, run.number);
  statement.exec();
  db->exec("DELETE FROM machine WHERE number NOT IN (SELECT machine FROM run)");
}

}  // namespace

std::string keep_time(const std::string& text) {
  static const std::regex kTime("([1-9][0-9]{0,5})([hdw])");
  std::smatch parts;
  if (!std::regex_match(text, parts, kTime))
    throw Failure(kUsage, fmt::format("--keep {}: a time is expected, as in 12h, 30d, 8w", text));
  const unsigned long count = std::stoul(parts[1]);
  if (parts[2] == "w") return fmt::format("{} days", 7 * count);
  return fmt::format("{} {}", count, parts[2] == "d" ? "days" : "hours");
}

void clean(HistoryFile* history, const std::string& keep,
           const std::function<void(const RemovedRun&)>& tell) {
  std::vector<StoredRun> old;
  history->read([&](SQLite::Database& db) {
    SQLite::Statement query(db, "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now', ?)");
    query.bind(1, "-" + keep);
    query.executeStep();
    const std::string since = query.getColumn(0).getString();
    old = stored_runs(&db);
    std::erase_if(old, [&](const StoredRun& run) { return run.started >= since; });
  });
  for (StoredRun& run : old) {
    if (stop_requested) throw Failure(kStopped, "stopped; what was told of is gone");
    RemovedRun removed{std::move(run)};
    try {
      if (const fs::path folder = removed.run.folder; night_in(folder) == removed.run.id) {
        remove_folder(&removed);
      } else {
        removed.folder_left = !folder.empty() && fs::exists(folder);
      }
    } catch (const fs::filesystem_error& error) {
      throw Failure(kHarnessFailed, error.what());
    }
    history->write([&](SQLite::Database& db) { forget(&db, removed.run); });
    tell(removed);
  }
}

}  // namespace sigsweep
