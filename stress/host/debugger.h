// Source `external`: a debugger breaks at the boundary and sends the signal itself. No patch of
// ours, no trap flag: a confirmation that shares no mechanism with the others.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "stress/account/account.h"
#include "stress/host/options.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

// Runs the schedule under gdb and returns the runner's account of its last operation, or of the
// first that was not ok. Throws Failure: kUsage where the schedule asks for what gdb can't do,
// kSkipped where there is no gdb, kHarnessFailed.
Account replay_under_debugger(const Session& session, const Schedule& schedule,
                              const std::string& path);

// How to open a schedule in gdb. No words: gdb can't, and `signal` says why.
struct InGdb {
  std::vector<std::string> words;  // of the command
  std::string signal;              // to send there
};

// The command that opens the schedule in gdb and stops where this injection of this operation
// lands, at the pass that counts, with the injections before it sent; and which signal to send
// there. `path`: the schedule's file, whose boundaries are this build's.
InGdb in_gdb(const Session& session, const Schedule& schedule, std::size_t operation,
             std::size_t injection, const std::string& path);
// Lines of a page.
std::string gdb_lines(const InGdb& in_gdb);

}  // namespace sigsweep
