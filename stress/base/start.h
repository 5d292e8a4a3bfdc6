// What each program here requires of the process that starts it.
#pragma once

#include <string>

namespace sigsweep {

// Why the program can't run as it was started: standard output is closed, or the stack is too
// small. Empty: it can run. A closed standard stream is /dev/null from here on: else the next file
// to be opened would get its number.
std::string check_start();

}  // namespace sigsweep
