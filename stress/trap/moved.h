// Instructions of amd64 that do the same at another address.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace sigsweep::trap {

// The copy of the instructions that a jump covers, and a jump back behind them.
struct Moved {
  static constexpr unsigned kMost = 64, kMostInstructions = 8;
  unsigned char code[kMost];
  unsigned size = 0;     // bytes of `code`; 0: they cannot be moved
  unsigned covered = 0;  // bytes at the old address
  struct Place {
    unsigned from, to;  // where an instruction starts: bytes from the old address, and in `code`
  } places[kMostInstructions];
  unsigned instructions = 0;
};

// `code`: the bytes from address `from` on; the copy will lie at `to`, at most 2 GB away. At least
// `least` bytes are covered. `is_target`: can an address be reached in another way than from the
// instruction in front of it? Such an instruction is not covered, but may be the first.
Moved move_instructions(std::span<const unsigned char> code, std::uint64_t from, std::uint64_t to,
                        unsigned least, const std::function<bool(std::uint64_t)>& is_target);

// Calls take(address) for each address that these bytes could name as the target of a branch or of a
// load of an address, if an instruction that does so started at any byte. So it names all that are,
// and some that are none.
void each_target(std::span<const unsigned char> code, std::uint64_t from,
                 const std::function<void(std::uint64_t)>& take);

}  // namespace sigsweep::trap
