// Taking over a process that belongs to a fuzzing engine.
//
// libFuzzer reads its options, starts threads and installs its handlers after LLVMFuzzerInitialize;
// AFL++ forks there. So the process is taken over in two steps: the options and the signal mask,
// which threads inherit, before; handlers, alternate stack and watchdog at the first input. AFL++
// has it all before, so that its children need not begin by taking traces, and each starts a
// watchdog of its own. Faults outside a trial go back to the engine's and the sanitizers' handlers
// (the trial engine sees to that); SIGABRT is never touched.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stress/engine/engine.h"
#include "stress/schedule/schedule.h"

namespace sigsweep::fuzz {

// What runs the trials, in this process; the engine that makes the inputs is another.
Engine& trial_engine();

// From LLVMFuzzerInitialize, before any file is opened. A standard stream that is closed is opened
// the wrong way round, so that no file takes its number, and what is written to it fails.
void open_standard_streams();
// Likewise. Takes away a first argument `--`; false: there is none. What stands behind it is the
// engine's, and nothing of the target's own: OSS-Fuzz's runner starts every target so.
bool drop_separator(int* argc, char** argv);
// Likewise. Adds `defaults` ("-max_len=100") to the options that are not given, and `always`
// whatever is given: an engine takes the last that it reads.
void add_options(int* argc, char*** argv, std::span<const char* const> defaults,
                 std::span<const char* const> always);
// Likewise: the harness's signals are blocked in all threads from here on.
void block_signals();

// On the thread that runs the inputs, once: at the first of them, or, where the engine forks, from
// LLVMFuzzerInitialize.
void take_over();
// At the first input of a process; in a fork of the one that was taken over it starts what a child
// does not inherit.
void resume();

// ASYNC=1 in the environment? Anything but 0 and 1 ends the process with status 2.
bool wants_async();
// Starts a timer of this thread's own that sends stray_signal() for ever. Empty, or what is wrong.
std::string start_async();

// The indices in `names` of what an environment variable lists, separated by commas; of `otherwise`
// where it is not set. An unknown name ends the process with status 2.
std::vector<unsigned> chosen(const char* variable, std::span<const std::string_view> names,
                             std::span<const std::string_view> otherwise);

// "TARGET: WHY", the schedule between marker lines, and how to replay it.
std::string finding_text(std::string_view target, const std::string& why, const Schedule& schedule);

// From here on no engine runs the inputs.
void run_without_engine();

// What a target has stopped at.
struct Stop {
  std::string said;   // for a person
  std::string why;    // in one line, which is the same each time
  std::string cause;  // alike in all that has the same one; empty: that is not known
  std::string text;   // the readable form of what was run of the input; empty: of all of it
};
// Of a finding, and of a failure of the harness: says it and aborts, so that the engine keeps the
// input. Without an engine the process ends with status 1, or 3. Text alone is said, and its first
// line is why.
[[noreturn]] void stop(const Stop& what);
[[noreturn]] void stop(const std::string& said);
[[noreturn]] void fail_harness(const Stop& what);
[[noreturn]] void fail_harness(const std::string& said);
// From here on they also write a record of it there, of this file (fuzz/judge.h).
void report_stops(int fd, const std::string& file);

}  // namespace sigsweep::fuzz
