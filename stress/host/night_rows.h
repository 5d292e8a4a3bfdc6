// The rows of a night's own results file, night.jsonl (results/schema.json), and their one codec:
// the nightly writes them, the history reads them.
//
// The file begins with a row `run` and ends with a row `end`, as every results file. Rows may be
// written anew: of the rows `night` of one id, and of the rows `part` of one name, the last counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stress/host/results.h"
#include "stress/host/results_reader.h"

namespace sigsweep {

inline constexpr const char* kNightFile = "night.jsonl";

// What times depend on. Times of two machines can be compared if processor and features are equal.
struct NightMachine {
  std::string processor;              // empty: unknown
  std::vector<std::string> features;  // "NAME=VALUE"
  std::optional<double> floor_us;     // of a bare breakpoint; none: not measured
};

// Without the floor.
NightMachine night_machine(const MachineFacts& facts);
// Of a row `run`, which has the same facts.
NightMachine night_machine(const ResultLine& run);

struct NightRow {
  std::string id;
  std::string started, ended;  // RFC 3339, in UTC; `ended` empty: it has not
  double budget = 0;           // seconds
  std::uint64_t seed = 0;
  std::string build, command;
  NightMachine machine;
  std::optional<int> status;  // none: it has not ended
};

inline constexpr const char* kPartStatuses[] = {"ok",        "finding", "failed", "hung",
                                                "not-built", "skipped", "stopped"};

struct PartRow {
  std::string name;
  std::string status;  // of kPartStatuses
  double seconds = 0, limit = 0;
  std::map<std::string, std::uint64_t> work;
  std::string log;                   // below the night's folder
  std::vector<std::string> results;  // files, likewise
  std::string reason;                // why it is not ok

  bool ran() const { return status == "ok" || status == "finding"; }
  bool did_work() const;
};

std::string line_of(const NightRow& row);
std::string line_of(const PartRow& row);
// Each throws Failure(kUsage), with the place, for a row that is not so.
NightRow night_of(const ResultLine& line);
PartRow part_of(const ResultLine& line);

}  // namespace sigsweep
