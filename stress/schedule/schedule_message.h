// How an error message shows input, and what is allowed instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sigsweep {

using Names = std::vector<std::string_view>;

// Input in a message: whatever the bytes are, the message is one short line of ASCII.
std::string quote(std::string_view text);

// "a, b, c"; of many names those nearest to what was given.
std::string listed(Names names, std::string_view given);

}  // namespace sigsweep
