// A strip as text, at most 80 columns wide: it fits a terminal, and a message to a colleague.
#pragma once

#include <string>
#include <vector>

#include "stress/host/strip.h"

namespace sigsweep {

// With escape sequences for colours; only a terminal understands them.
enum class Colour { no, yes };

// The strips one below the other, and what the signs mean.
std::string strips_text(const std::vector<Strip>& strips, Colour colour);

// yes where standard output is a terminal that has colours, and NO_COLOR is not set.
Colour colour_of_stdout();

}  // namespace sigsweep
