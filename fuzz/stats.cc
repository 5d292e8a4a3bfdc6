// A file mapped into the process: nothing has to be written when the process ends.
#include "fuzz/stats.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace sigsweep::fuzz {
namespace {

Stats* mapped() {
  static Stats own;
  const char* folder = std::getenv("SIGSWEEP_STATS");
  if (folder == nullptr) return &own;
  const std::string path = std::string(folder) + "/" + std::to_string(getpid());
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0644);
  void* p = MAP_FAILED;
  // With its blocks: if the disk is full, a write to a page without a block ends the process.
  const int full = fd < 0 ? 0 : posix_fallocate(fd, 0, sizeof(Stats));
  if (fd >= 0 && full == 0)
    p = mmap(nullptr, sizeof(Stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (p == MAP_FAILED) {
    const int why = full != 0 ? full : errno;
    std::fprintf(stderr, "SIGSWEEP_STATS: %s: %s\n", path.c_str(), std::strerror(why));
    _exit(fd < 0 && why != ENOSPC ? 2 : 3);
  }
  close(fd);
  return static_cast<Stats*>(p);
}

}  // namespace

Stats& stats() {
  static Stats* const the_stats = mapped();
  return *the_stats;
}

void name_figures(std::span<const char* const> names) {
  OwnFigure* figure = stats().own;
  for (const char* name : names) std::snprintf(figure++->name, sizeof figure->name, "%s", name);
}

}  // namespace sigsweep::fuzz
