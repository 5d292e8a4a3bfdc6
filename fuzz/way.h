// The way through an operation or a handler, as inputs name places on it: its phases, and the
// boundaries of each.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sigsweep::fuzz {

// A boundary, with all that a trial needs of it. Its name is looked up when it is asked for.
struct Spot {
  std::uint64_t pc = 0;    // Boundary::pc
  std::uint64_t gate = 0;  // Boundary::gate
  std::uint32_t nth = 1;   // Boundary::nth
  bool operator==(const Spot&) const = default;
};

// The boundaries of one phase, in the order in which they come: the first one is HEAD#1.
struct PhaseOfWay {
  std::string head;
  std::vector<Spot> spots;
  bool operator==(const PhaseOfWay&) const = default;
};
using Way = std::vector<PhaseOfWay>;  // in the order of their first boundaries

// Whose way it is. All protocols that share a side share the way.
struct WayKey {
  bool of_handler = false;
  unsigned side = 0;  // Protocol::operation_side or handler_side
  unsigned site = 0;  // of a handler also kNoHandler
  // clang-tidy 14 takes the 0 in what the compiler generates for a pointer.
  auto operator<=>(const WayKey&) const = default;  // NOLINT(modernize-use-nullptr)
};
using WayMap = std::map<WayKey, Way>;

}  // namespace sigsweep::fuzz
