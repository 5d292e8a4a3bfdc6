// What a run came to, for other programs: the cases of JUnit's XML and the results of SARIF.
//
// A report is made of the rows of a results file, as they are written, or as they are read back from
// one or several files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stress/host/options.h"

namespace sigsweep {

struct ReportCase {
  enum Outcome { passed, failed, error, skipped };
  std::string suite;        // "sweep amd64"
  std::string group, name;  // the same case has the same in every run
  Outcome outcome = passed;
  std::string message;  // why it is not passed: one line
  std::string text;     // what there is to say beside, in lines
  double seconds = 0;
};

struct ReportFinding {
  std::string id;  // empty: it has none
  std::string isa, protocol, site, handler;
  std::string verdict;  // or `claim`, `storm`: what is not as promised
  std::string message, page, schedule;
  std::string binary, symbol;  // the instruction: in which file, and where; no symbol: unknown
  std::uint64_t offset = 0;
  std::string file;   // its source
  unsigned line = 0;  // 0: unknown
  bool known = false;
  std::string reason;  // known: why
};

struct Report {
  std::string name;  // what was run: "sweep"
  std::string version, build, command, started;
  std::string failure;  // why it did not come to its end; empty: it did
  int status = kHarnessFailed;
  std::vector<ReportCase> cases;
  std::vector<ReportFinding> findings;
};

std::string junit_text(const Report& report);
std::string sarif_text(const Report& report);

class ReportBuilder {
 public:
  // `name`: of the command. Of `prove` the claims are the cases; cells and storms are their evidence.
  // Of `nightly` the parts are, and the claims.
  explicit ReportBuilder(std::string name);

  // A row; one of a kind that no report speaks of is passed over.
  void take(const nlohmann::ordered_json& row);
  // What a person is shown of a finding.
  void page(const std::string& id, const std::string& text) { pages_[id] = text; }
  // It ended early.
  void failure(const Failure& why);

  // Of all rows so far. If the status is not 0, some case says so.
  Report report() const;

 private:
  void take_finding(const nlohmann::ordered_json& row);
  ReportCase case_of_cell(const nlohmann::ordered_json& row) const;
  ReportCase case_of_claim(const nlohmann::ordered_json& row) const;
  ReportCase case_of_storm(const nlohmann::ordered_json& row) const;
  ReportCase case_of_part(const nlohmann::ordered_json& row) const;
  ReportCase empty_case(const std::string& isa, const std::string& group,
                        const std::string& name) const;

  Report run_;  // but the cases of rows_
  std::vector<nlohmann::ordered_json> rows_;
  std::map<std::string, std::string> pages_;
};

// Calls work() and writes the files of --junit and --sarif, however it ends; a run that is killed
// leaves files that say so. Returns what work() does, and rethrows what it throws. No flag: the
// builder is null. Throws Failure: kUsage for flags that can't be, kHarnessFailed for a file that
// can't be written.
int with_reports(const Options& options, const std::string& name,
                 const std::function<int(ReportBuilder*)>& work);

}  // namespace sigsweep
