// Taking over a process that belongs to libFuzzer.
//
// libFuzzer reads its options, starts threads and installs its handlers after LLVMFuzzerInitialize.
// So the process is taken over in two steps: the options and the signal mask, which threads
// inherit, before; handlers, alternate stack and watchdog at the first input. Faults outside a
// trial go back to libFuzzer's and the sanitizers' handlers (the engine sees to that); SIGABRT is
// never touched.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sigsweep::fuzz {

// From LLVMFuzzerInitialize. Appends `defaults` ("-timeout=0") to the options that are not given.
// The harness's signals are blocked in all threads from here on.
void prepare_process(int* argc, char*** argv, std::span<const char* const> defaults);

// At the first input, on the thread that runs them; once.
void take_over();

// The indices in `names` of what an environment variable lists, separated by commas; all where it
// is not set. An unknown name ends the process with status 2.
std::vector<unsigned> chosen(const char* variable, std::span<const std::string_view> names);

// Prints the text and aborts, so that libFuzzer keeps the input.
[[noreturn]] void stop(const std::string& text);

}  // namespace sigsweep::fuzz
