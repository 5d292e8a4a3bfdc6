// A file `lock` in the folder, by flock(2).
#include "stress/host/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "stress/host/options.h"

namespace sigsweep {

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& what) {
  const std::filesystem::path path = folder / "lock";
  fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0)
    throw Failure(kUsage,
                  fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
  // Of a process that was killed, a child may have the lock until it has closed its files.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  do {
    if (flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  } while (std::chrono::steady_clock::now() < limit);
  close(fd_);
  throw Failure(kHarnessFailed,
                fmt::format("{}: another {} is at work there; --out names another place",
                            folder.string(), what));
}

FolderLock::~FolderLock() {
  close(fd_);
}

}  // namespace sigsweep
