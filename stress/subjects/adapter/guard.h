// What ends the process while a library is called without any signal: a fault, abort(), too much
// processor time, exit(). So that each has its one line.
#pragma once

#include <cstdint>
#include <string>

namespace sigsweep::adapter {

struct Death {
  int signal = 0;        // 0: exit()
  std::uint64_t pc = 0;  // where; 0: not known
};

// From here on `told` is called before the process ends in such a way: in a signal's handler, on
// the alternate stack where there is one, or in exit(). It may end the process itself. Null: the
// process ends without it. Not async-signal-safe.
void guard(void (*told)(const Death&));
// The signals, of those, for which somebody has set another handler since; separated by blanks.
std::string displaced();

}  // namespace sigsweep::adapter
