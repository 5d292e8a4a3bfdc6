// One at a time works in a folder: the lock goes with the process, however that ends.
#pragma once

#include <filesystem>
#include <string>

namespace sigsweep {

class FolderLock {
 public:
  // `what` works there, such as "campaign". Throws Failure: kUsage where the folder can't be
  // written, kHarnessFailed where another one is at work there.
  FolderLock(const std::filesystem::path& folder, const std::string& what);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

}  // namespace sigsweep
