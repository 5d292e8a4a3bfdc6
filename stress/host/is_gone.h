// For tests.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace sigsweep {

// Has that process ended? One that is dying gives up its memory first, and then becomes a zombie. That
// one has none either, until its parent buries it.
inline bool is_gone(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
  std::size_t pages = 0;
  in >> pages;
  return pages == 0;
}

}  // namespace sigsweep
