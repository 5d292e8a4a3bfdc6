// What each program here needs of whoever starts it.
#pragma once

#include <string>

namespace sigsweep {

// Why the program can't run as it was started: standard output is closed, or the stack is too
// small. Empty: it can. A standard stream that is closed is /dev/null from here on, or the next
// file that is opened would be taken for it.
std::string check_start();

}  // namespace sigsweep
