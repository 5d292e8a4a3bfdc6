/* Counters beside the engine's own: it clears them before each input and looks at them after it. One
   implementation an engine: counters_libfuzzer.cc, counters_afl.{S,cc}. Read by C++ and assembly.
 */
#pragma once

#include "stress/base/fuzz_counters.h"
#include "stress/verdict/verdict_list.h"

/* An engine tells eight ranges of a counter's value apart, and each stands for a verdict. */
#define SIGSWEEP_COUNTER_LEVELS 8
#define SIGSWEEP_COUNTERS_PER_ROW \
  ((SIGSWEEP_VERDICT_COUNT + SIGSWEEP_COUNTER_LEVELS - 1) / SIGSWEEP_COUNTER_LEVELS)
#define SIGSWEEP_COUNTERS (SIGSWEEP_FEEDBACK_ROWS * SIGSWEEP_COUNTERS_PER_ROW)

#ifndef __ASSEMBLER__
#include <cstdint>

namespace sigsweep::fuzz {
/* REQUIRES: index < SIGSWEEP_COUNTERS. */
void set_counter(unsigned index, std::uint8_t value);
/* An engine may keep in memory which counter belongs to which code. Then instrumented code has
 * pointers to that memory in registers. An operation that returns with wrong registers may write
 * through them, and the next input to count there would die. Restores what the first call found;
 * true if anything had changed. REQUIRES: the first call is before any trial. */
bool restore_counters();
/* Does it fork after LLVMFuzzerInitialize, a child for many inputs? Then the work
 * before is done once. */
bool engine_forks();
/* Does it take libFuzzer's options? */
bool engine_takes_options();
}  // namespace sigsweep::fuzz
#endif
