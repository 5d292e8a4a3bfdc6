// Taking over a process that belongs to a fuzzing engine.
//
// libFuzzer reads its options, starts threads and installs its handlers after LLVMFuzzerInitialize;
// AFL++ forks there. So the process is taken over in two steps. Before: the options and the signal
// mask, which threads inherit. At the first input: handlers, alternate stack and watchdog. For
// AFL++ both steps come before, so that its children need not prepare; each child starts a watchdog
// of its own. The trial engine returns faults outside a trial to the handlers of the
// engine and the sanitizers; SIGABRT is never touched.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stress/engine/engine.h"
#include "stress/schedule/schedule.h"

namespace sigsweep::fuzz {

// The trial engine of this process. The engine that makes the inputs is another.
Engine& trial_engine();

// From LLVMFuzzerInitialize, before any file is opened. Opens each closed standard stream the wrong
// way round: so no file takes its number, and a write to it fails.
void open_standard_streams();
// From there, too. Removes a first argument `--`; false: there is none. All arguments behind it are
// the engine's, never the target's: OSS-Fuzz's runner starts every target so.
bool drop_separator(int* argc, char** argv);
// From there, too. Adds `defaults` ("-max_len=100") to the options that are not given, and `always`
// in any case: an engine uses the last one that it reads.
void add_options(int* argc, char*** argv, std::span<const char* const> defaults,
                 std::span<const char* const> always);
// From there, too: the harness's signals are blocked in all threads from here on.
void block_signals();

// On the thread that runs the inputs, once: at the first input or, if the engine forks, from
// LLVMFuzzerInitialize.
void take_over();
// At the first input of a process. In a fork of the process that was taken over, it starts the
// parts that a child does not inherit.
void resume();

// ASYNC=1 in the environment? Anything but 0 and 1 ends the process with status 2.
bool wants_async();
// Starts a timer of this thread's own that sends stray_signal() for ever. Empty, or what is wrong.
std::string start_async();

// The indices in `names` of the names that an environment variable lists, separated by commas; of
// `otherwise` if it is not set. An unknown name ends the process with status 2.
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
