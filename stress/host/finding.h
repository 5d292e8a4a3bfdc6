// Examples and findings: a trial worth telling of, as a schedule, an id, and a page for a person.
#pragma once

#include <cstdint>
#include <string>

#include "stress/report/results.h"
#include "stress/runner/schedule.h"
#include "stress/runner/wire.h"

namespace sigsweep {

struct Session;

struct Example {
  std::string isa, protocol, site, handler, inject;
  bool expected = false;
  std::uint64_t seed = 0;
  Record record;  // the runner's account: verdict, slots, boundary, registers, values

  const std::string& verdict() const { return record.text("verdict"); }
  const std::string& phase() const { return record.text("phase"); }
  const std::string& mismatch() const { return record.text("mismatch"); }
};

// The same finding has the same id every night: a hash of isa, protocol, site, handler, phase
// (without its #n) and verdict. 16 hex digits.
std::string finding_id(const Example& example);

// The schedule that shows it, with `expect` and `origin`.
Schedule schedule_of(const Example& example, const std::string& command_line);

FindingRow finding_row(const Example& example, const std::string& command_line);

// What was violated, the schedule, the disassembly around the boundary, registers and slots, the
// file that was written, and the commands that replay it and open it in gdb. Writes the schedule
// into `folder`.
std::string render_finding(const Session& session, const Example& example,
                           const std::string& folder);

// Writes the schedule as FOLDER/ID.sched and returns the path. Throws Failure(kHarnessFailed).
std::string write_schedule(const Example& example, const std::string& folder,
                           const std::string& command_line);

}  // namespace sigsweep
