// What a run left on disk, read: a night's folder, a results file, or JSON of `sigsweep bench`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stress/host/history/benchmarks.h"
#include "stress/host/night_rows.h"

namespace sigsweep {

struct PartedRow {
  std::string part;  // empty: the run is no night
  ResultLine line;
};

struct PastRun {
  std::string id;
  std::string what;  // night, bench, or the command
  std::string started, ended, build, command, seed, folder;
  std::optional<double> budget;
  std::optional<int> status;
  NightMachine machine;
  std::string digest;  // of its files: equal digests, equal runs
  std::vector<PartRow> parts;
  std::vector<PartedRow> rows;
  std::vector<BenchmarkTime> times;
  std::vector<std::string> notes;  // what is missing, or was passed over, and why
};

// Where a run lies, below what was given: a night's folder, or a file.
struct RunPlace {
  std::filesystem::path path;
  bool given = false;  // by its name; else it was found in a folder, and need not be a run
};

// In the order of their names. Throws Failure(kUsage) for a path that is not there.
std::vector<RunPlace> run_places(const std::vector<std::string>& paths);

// Throws Failure(kUsage), with file:line:column, for what is no run, is one part of several, or is
// not as results/schema.json says. A last line that was cut short is passed over.
PastRun read_run(const std::filesystem::path& path);
// The id of the night whose folder it is; empty: it is none.
std::string night_in(const std::filesystem::path& folder);

}  // namespace sigsweep
