// How an error message shows input, and what is allowed instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sigsweep {

using Names = std::vector<std::string_view>;

// Input as a message shows it: whatever the bytes are, one short line of ASCII.
std::string quote(std::string_view text);

// "a, b, c". Of many names, the ones nearest to the given one.
std::string listed(Names names, std::string_view given);

}  // namespace sigsweep
