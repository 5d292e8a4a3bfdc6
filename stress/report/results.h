// The rows of a results file (JSON lines; results/schema.json is the contract) and their writer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sigsweep {

struct RunRow {  // provenance: the first line
  std::string version, build, command;
  std::vector<std::string> isas;
  std::uint64_t seed = 0;
};

struct CellRow {
  std::string isa, protocol, site, handler, inject;
  std::uint64_t boundaries = 0, trials = 0, requested = 0, landed = 0, unreached = 0;
  std::map<std::string, std::uint64_t> verdicts;
  bool predicted = false;  // else predicted_mismatches is null
  std::uint64_t predicted_mismatches = 0;
  bool expected = true;
  std::string map;
  double seconds = 0;
};

struct ClaimRow {
  unsigned id = 0;
  std::string statement;
  bool holds = false;
  std::uint64_t trials = 0, landed = 0;
  std::string counterexample, detail;
  double seconds = 0;
};

struct FindingRow {
  std::string id, isa, protocol, site, handler, phase, verdict, detail, schedule;
  bool known = false;
};

// Writes each line as it comes, by one write(2): a run that is killed loses at most the last.
class ResultsWriter {
 public:
  // An empty path writes nothing. Throws std::runtime_error, with the reason, where the file can't
  // be made or a line can't be written.
  explicit ResultsWriter(const std::string& path);
  ~ResultsWriter();
  ResultsWriter(const ResultsWriter&) = delete;
  ResultsWriter& operator=(const ResultsWriter&) = delete;

  void write(const RunRow& row);
  void write(const CellRow& row);
  void write(const ClaimRow& row);
  void write(const FindingRow& row);

 private:
  void line(const std::string& text);
  std::string path_;
  int fd_ = -1;
};

}  // namespace sigsweep
