// Where nights lie, and the one that is at work:
//   OUT/lock          the night at work there has it
//   OUT/fuzz/         the corpora and findings of campaigns, which each night goes on with
//   OUT/earlier/      findings of nights before the youngest
//   OUT/NIGHT/        a night, by the time of its start (UTC): night.jsonl, summary.txt, findings/
//   OUT/NIGHT/PART/   a part: log, results.jsonl, and what its command writes
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stress/host/folder_lock.h"
#include "stress/host/night_rows.h"
#include "stress/host/results.h"

namespace sigsweep {

// What a night's file says: what it was given, and what has come to an end.
struct NightRecord {
  std::filesystem::path folder;
  NightRow night;
  std::vector<std::string> only;  // names of its parts, in order
  std::vector<PartRow> parts;     // that have ended, each once, in order
  bool ended = false;             // it has its last row

  const PartRow* part(const std::string& name) const;
};

// Opens OUT for one night, and keeps others out. Throws Failure(kHarnessFailed) where it can't be
// written, or where another night is at work there.
class NightsFolder {
 public:
  explicit NightsFolder(const std::filesystem::path& out);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path fuzz() const { return path_ / "fuzz"; }
  std::filesystem::path earlier() const { return path_ / "earlier"; }
  std::filesystem::path history() const { return path_.parent_path() / "history.sqlite"; }

  // Makes a night's folder with its first rows, or nothing. Findings of the nights before go to
  // earlier/.
  NightRecord begin(NightRow night, RunRow run, const std::vector<std::string>& parts) const;
  // The youngest night that did not come to its end; none: each did. A last row that was cut short
  // is taken off its file.
  std::optional<NightRecord> unfinished() const;

 private:
  std::filesystem::path path_;
  std::unique_ptr<FolderLock> lock_;
};

// Adds rows to a night's file, each whole. Throws Failure(kHarnessFailed).
class NightWriter {
 public:
  explicit NightWriter(const std::filesystem::path& folder);
  ~NightWriter();
  NightWriter(const NightWriter&) = delete;
  NightWriter& operator=(const NightWriter&) = delete;

  void add(const std::string& line);

 private:
  std::string path_;
  int fd_;
};

// The last row of a night.
std::string end_line(int status);
// Now, by RFC 3339, in UTC.
std::string time_now();

}  // namespace sigsweep
