// What a sanitizer must be told: an abandoned trial leaves frames on the stacks that were never
// left, and their poisoned borders with them.
// And what it tells: an access that it would end the process for.
#pragma once

#include <cstdint>

namespace sigsweep::trap {

// Forgets poisoning in [from, to). Nothing without ASan. Async-signal-safe.
void unpoison(std::uint64_t from, std::uint64_t to);

// Called in front of each report of ASan about an instrumented access, on whatever stack that ran;
// where it comes back, the report follows and the process ends. Nothing without ASan.
// (UBSan needs none: in what is linked with a subject its checks trap.)
void on_sanitizer_report(void (*client)());

}  // namespace sigsweep::trap
