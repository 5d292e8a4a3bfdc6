/* The counters that an engine looks at after each input, beside its own; it clears them before. One
   implementation an engine: counters_libfuzzer.cc, counters_afl.{S,cc}. Read by C++ and assembly.
 */
#pragma once

#define SIGSWEEP_COUNTERS 4096

#ifndef __ASSEMBLER__
#include <cstdint>

namespace sigsweep::fuzz {
/* REQUIRES: index < SIGSWEEP_COUNTERS. */
void set_counter(unsigned index, std::uint8_t value);
/* Does it fork after LLVMFuzzerInitialize, a child for many inputs? What is done before is then
 * done once. */
bool engine_forks();
/* Does it take libFuzzer's options? */
bool engine_takes_options();
}  // namespace sigsweep::fuzz
#endif
