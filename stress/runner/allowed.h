// A list of the verdicts that a trial may show, as protocols.def and the wire have it: names with a
// space between, or one name behind a '!', for all but that one. An empty list allows none.
#pragma once

#include <algorithm>
#include <string_view>

namespace sigsweep {

// Async-signal-safe.
inline bool is_allowed(std::string_view allowed, std::string_view verdict) {
  if (allowed.starts_with('!')) return allowed.substr(1) != verdict;
  for (std::size_t at = 0; at < allowed.size();) {
    const std::size_t end = std::min(allowed.find(' ', at), allowed.size());
    if (allowed.substr(at, end - at) == verdict) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace sigsweep
