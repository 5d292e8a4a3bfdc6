// To a sanitizer: an abandoned trial leaves frames on the stacks that never returned, and their
// poisoned borders.
// From a sanitizer: an access for which it would end the process.
#pragma once

#include <cstdint>

namespace sigsweep::trap {

// Forgets poisoning in [from, to). Without ASan it does nothing. Async-signal-safe.
void unpoison(std::uint64_t from, std::uint64_t to);

// Called in front of each report of ASan about an instrumented access, on the stack of that access.
// If it returns, the report follows and the process ends. Without ASan it does nothing.
// (UBSan needs no such call: its checks trap in code that is linked with a subject.)
void on_sanitizer_report(void (*client)());

}  // namespace sigsweep::trap
