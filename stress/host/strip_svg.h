// A strip as a picture: SVG that needs nothing else, light and dark.
#pragma once

#include <string>
#include <vector>

#include "stress/host/strip.h"

namespace sigsweep {

// The strips one below the other. Those with the same parts are aligned by part. `origin`: a line
// below the picture that says where it comes from; empty: none.
std::string strips_svg(const std::vector<Strip>& strips, const std::string& origin);

}  // namespace sigsweep
