// `sigsweep replay FILE...`: runs schedules and holds each verdict against the one that the file
// expects.
#pragma once

#include "stress/account/account.h"
#include "stress/host/debugger.h"
#include "stress/host/options.h"
#include "stress/schedule/schedule.h"

namespace sigsweep {

int replay_command(const Options& options);

// What a schedule came to.
struct Replayed {
  bool died = false;  // the runner, of the schedule: the account is empty then
  Account account;
  std::string verdict, slots;
};

// Reads a schedule strictly. Throws Failure(kUsage), with the place of what is wrong.
Schedule read_schedule(const Session& session, const std::string& path);
// A schedule of an adapter, for this session's build of it: its boundaries are found by their phases
// in another one, said on standard error. Throws Failure(kUsage) where one has no phase.
void take_build(const Session& session, const std::string& path, Schedule* schedule);
// The schedule with each boundary where this build has it, by its name and its phase. Throws Failure.
Schedule resolved_here(const Session& session, Schedule schedule, const std::string& path);
// Are the reasons of a bad verdict looked for? That takes a second or so.
enum class Reasons : bool { not_wanted, wanted };
// Runs a schedule; `path` is for messages, which name the places where it was read. Throws Failure.
Replayed replay_schedule(const Session& session, const Schedule& schedule, const std::string& path,
                         Reasons reasons = Reasons::not_wanted);
struct ShownReplay {
  Replayed first;
  InGdb gdb;  // no words: nothing landed, or gdb can't
};
// Reads it, runs it so often, and prints what `sigsweep replay` prints of it. Throws Failure.
ShownReplay show_schedule(const Session& session, const std::string& path, unsigned times);
// How to open in gdb what was run: lines of a page. REQUIRES: it has an account with an injection.
std::string gdb_lines_of(const Session& session, const std::string& path, const Schedule& schedule,
                         const Replayed& got);
// The ISA that a schedule's file names; empty where it names none that is known. Throws Failure.
std::string isa_of_file(const std::string& path);
// Is the schedule of that file for an adapter's library?
bool is_for_adapter(const std::string& path);

}  // namespace sigsweep
