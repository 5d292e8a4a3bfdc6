// Ways as bytes. The build records the ways of a target once, and keeps them in a section of the
// program (fuzz/keep_ways.sh). So a target need not record them at each start. The program that
// reads them is the one that wrote them: they cannot be older than it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/way.h"

namespace sigsweep::fuzz {

// `bias`: what was added to the program's addresses when it was loaded. nullopt: a place lies more
// than 4 GB above that, so not in the program.
std::optional<std::string> bytes_of_ways(const WayMap& ways, std::uint64_t bias);
// nullopt: the bytes are damaged.
std::optional<WayMap> ways_of_bytes(std::string_view bytes, std::uint64_t bias);

// Those that this program keeps. Empty: none, because it was built without them.
std::string kept_bytes();

}  // namespace sigsweep::fuzz
