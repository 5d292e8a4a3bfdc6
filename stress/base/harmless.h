// Values that code under test may take for addresses by mistake.
//
// After a fault a stub may load an argument into SP, or write through it. A random word of 64 bits
// is no address, and the write is a fault at once. On a 32-bit machine nearly every word is the
// address of something, also of the harness. So the harness's values lie in a hole of the address
// space that the runner keeps empty.
#pragma once

#include <cstdint>
#include <string>

namespace sigsweep {

// The hole: the lowest 4 GiB from 0x50000000 to 0x60000000. There is no program, no heap, no
// shadow of a sanitizer there.
inline constexpr std::uint64_t kHoleBegin = 0x50000000, kHoleSize = 0x10000000;

// x with the four bits that put the low 32 bits of it into the hole. Async-signal-safe.
constexpr std::uint64_t harmless_word(std::uint64_t x) {
  constexpr std::uint64_t kFixed = 0xffffffff & ~(kHoleSize - 1);
  return (x & ~kFixed) | kHoleBegin;
}

// Of a register's width: of 64 bits any random word is harmless as it is.
constexpr std::uintptr_t harmless(std::uint64_t x) {
  return static_cast<std::uintptr_t>(sizeof(void*) == 4 ? harmless_word(x) : x);
}

// Takes the hole, so that nothing is ever mapped there: each access is a fault. Empty, or why it
// can't be had. A second call does nothing. Not async-signal-safe.
std::string keep_hole_empty();

}  // namespace sigsweep
