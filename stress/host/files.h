// Files of the commands that keep inputs: what is written is whole or not there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sigsweep {

constexpr std::uintmax_t kLargestInput = 1 << 20;  // bytes; AFL++'s limit too

// Throws Failure(kHarnessFailed) where it can't be read.
std::string content_of(const std::filesystem::path& path);
// All regular files below a folder, in the order of their names; none where it does not exist.
// Throws Failure(kHarnessFailed) where it can't be read.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);
// Those that lie in it.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder);

// Makes the folder where it is missing. Throws Failure(kUsage) where it can't be written.
void need_folder(const std::filesystem::path& folder);
// Throws Failure(kUsage) where a folder, or an input in it, is none that the engines can take.
void check_corpus(const std::filesystem::path& folder);

// Writes a file that stays as it is where there is one of that name and content; one with another
// content gets another name. Returns the path. Throws Failure(kHarnessFailed).
std::filesystem::path keep(const std::filesystem::path& folder, const std::string& name,
                           const std::string& content);
// Keeps each of the files under the SHA-1 of its content: equal ones are one.
void gather(const std::vector<std::filesystem::path>& files, const std::filesystem::path& folder);
// Removes the files whose name ends in a SHA-1 which is not that of their content: those that were
// cut short. Returns how many.
std::size_t remove_parts(const std::filesystem::path& folder);
// Why nothing can be written to the file system that a folder is on; empty: something can.
std::string why_full(const std::filesystem::path& folder);

// A folder in $TMPDIR (/tmp), which goes with the object. Throws Failure(kHarnessFailed).
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sigsweep
