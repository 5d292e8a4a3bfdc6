// Reported trials and findings: a trial worth telling of, as a schedule, an id, and a page for a
// person.
#pragma once

#include <cstdint>
#include <string>

#include "stress/base/wire.h"
#include "stress/host/results.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

struct Session;

// Trial `record` in the runner's own account (stress/runner/account.h).
struct ReportedTrial {
  std::string isa, protocol;
  bool expected = false;
  std::uint64_t seed = 0;
  Record record;

  const std::string& site() const { return record.text("site"); }
  const std::string& verdict() const { return record.text("verdict"); }
  const std::string& mismatch() const { return record.text("mismatch"); }
  // What the verdict is blamed on: that injection's handler and boundary.
  const std::string& handler() const { return of_blamed("handler"); }
  const std::string& phase() const { return of_blamed("phase"); }
  const std::string& symbol() const { return of_blamed("symbol"); }
  std::uint64_t offset() const { return record.number(key("offset", record.number("blame"))); }

  // The record's key for injection i, counted from 0.
  static std::string key(const char* name, std::uint64_t i) {
    return i == 0 ? name : name + std::to_string(i + 1);
  }

 private:
  const std::string& of_blamed(const char* name) const {
    return record.text(key(name, record.number("blame")));
  }
};

// The same finding has the same id every night: a hash of isa, protocol, site, and the blamed
// injection's handler and phase (without its #n), and verdict. 16 hex digits.
std::string finding_id(const ReportedTrial& example);

// The schedule that shows it, with `expect` and `origin`.
Schedule schedule_of(const ReportedTrial& example, const std::string& command_line);

FindingRow finding_row(const Session& session, const ReportedTrial& example);

// What was violated, the schedule, the disassembly around the boundary, registers and slots, the
// file that was written, and the commands that replay it and open it in gdb. Writes the schedule
// into `folder`.
std::string render_finding(const Session& session, const ReportedTrial& example,
                           const std::string& folder);

// Writes a file, its folders too, and returns the path. Throws Failure(kHarnessFailed).
std::string write_text(const std::string& path, const std::string& text);

// Writes the schedule as FOLDER/ID.sched and returns the path. Throws Failure(kHarnessFailed).
std::string write_schedule(const ReportedTrial& example, const std::string& folder,
                           const std::string& command_line);

}  // namespace sigsweep
