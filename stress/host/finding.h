// Reported trials and findings: a trial worth telling of, as a schedule, an id, and a page for a
// person.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stress/account/account.h"
#include "stress/host/results.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

struct Session;

// A trial that the runner has told of. What the verdict is blamed on: that injection's handler and
// boundary; empty where nothing was injected.
struct ReportedTrial {
  std::string isa, protocol;
  bool expected = false;
  std::uint64_t seed = 0;
  Account account;
  std::optional<AdapterIdentity> adapter =
      {};  // whose library it is of; none: of a built-in subject

  const std::string& site() const { return account.site; }
  std::string_view verdict() const { return verdict_name(account.verdict); }
  const std::string& mismatch() const { return account.mismatch; }
  const std::string& handler() const { return blamed(account).planned.handler; }
  const Phase& phase() const { return blamed(account).planned.phase; }
  const std::string& symbol() const { return blamed(account).planned.at.symbol; }
  std::uint64_t offset() const { return blamed(account).planned.at.offset; }
};

// The same finding has the same id every night: a hash of isa, protocol, site, and the blamed
// injection's handler and phase (without its #n), and verdict. Of an adapter: its library's name,
// isa, site, handler, phase and verdict; so another build or version keeps it. 16 hex digits.
std::string finding_id(const ReportedTrial& example);

// What a verdict other than ok is, in front of its id: `finding` if the protocol may not show it,
// else `hazard`, or `rejection`. Of an adapter, what nobody promised is only observed.
std::string standing_of(const Session& session, const ReportedTrial& example);

// What a schedule that shows this must expect: its verdict, and the first slot that is hurt.
Expectation expectation(const Account& account);

// The schedule that shows it, with `expect` and `origin`. The command line names an adapter's file.
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
