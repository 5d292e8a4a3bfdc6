// Reading, keeping and checking files of inputs.
#include "stress/host/files.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "stress/base/sha1.h"
#include "stress/host/finding.h"
#include "stress/host/options.h"

namespace sigsweep {
namespace {

namespace fs = std::filesystem;

template <class Iterator>
std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  if (!fs::exists(folder, error)) return files;
  Iterator at(folder, error);
  for (; !error && at != Iterator(); at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored)) files.push_back(at->path());
  }
  if (error) throw Failure(kHarnessFailed, fmt::format("{}: {}", folder.string(), error.message()));
  std::ranges::sort(files);
  return files;
}

// The SHA-1 that a name ends in, alone or behind a dash; empty: it ends in none.
std::string sha1_in(const std::string& name) {
  constexpr std::size_t kDigits = 40;
  if (name.size() < kDigits) return {};
  const std::size_t at = name.size() - kDigits;
  const std::string last = name.substr(at);
  const bool is_one = last.find_first_not_of("0123456789abcdef") == last.npos;
  return is_one && (at == 0 || name[at - 1] == '-') ? last : std::string();
}

}  // namespace

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string content(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad())
    throw Failure(kHarnessFailed, fmt::format("{}: cannot be read", path.string()));
  return content;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  return files_of<fs::recursive_directory_iterator>(folder);
}

std::vector<fs::path> files_in(const fs::path& folder) {
  return files_of<fs::directory_iterator>(folder);
}

void need_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && access(folder.c_str(), W_OK | X_OK) != 0)
    error = std::error_code(errno, std::generic_category());
  if (!error) return;
  throw Failure(kUsage, fmt::format("{}: cannot be written: {}", folder.string(), error.message()));
}

void check_corpus(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error) || access(folder.c_str(), R_OK | X_OK) != 0)
    throw Failure(kUsage, fmt::format("{}: no readable folder", folder.string()));
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path();
    if (access(path.c_str(), R_OK) != 0)
      throw Failure(kUsage, fmt::format("{}: cannot be read", path));
    std::error_code ignored;
    if (at->is_regular_file(ignored) && at->file_size(ignored) > kLargestInput) {
      throw Failure(kUsage, fmt::format("{}: larger than the {} bytes that an input may have", path,
                                        kLargestInput));
    }
  }
  if (error) throw Failure(kUsage, fmt::format("{}: cannot be read", folder.string()));
}

fs::path keep(const fs::path& folder, const std::string& name, const std::string& content) {
  const fs::path wanted(name);
  for (unsigned i = 1;; i++) {
    const std::string other =
        fmt::format("{}.{}{}", wanted.stem().string(), i, wanted.extension().string());
    fs::path path = folder / (i == 1 ? name : other);
    std::error_code error;
    if (!fs::exists(path, error)) return write_text(path, content);
    if (content_of(path) == content) return path;
  }
}

void gather(const std::vector<fs::path>& files, const fs::path& folder) {
  for (const fs::path& file : files) {
    const std::string content = content_of(file);
    const fs::path kept = folder / sha1(content);
    std::error_code error;
    if (!fs::exists(kept, error)) write_text(kept, content);
  }
}

std::size_t remove_parts(const fs::path& folder) {
  std::size_t removed = 0;
  for (const fs::path& file : files_in(folder)) {
    const std::string named = sha1_in(file.filename());
    if (named.empty() || sha1(content_of(file)) == named) continue;
    fs::remove(file);
    removed++;
  }
  return removed;
}

std::string why_full(const fs::path& folder) {
  struct statvfs state {};
  if (statvfs(folder.c_str(), &state) != 0)
    return fmt::format("{}: {}", folder.string(), std::strerror(errno));
  const bool is_root = geteuid() == 0;  // who may take the last blocks
  const bool full = (is_root ? state.f_bfree : state.f_bavail) == 0;
  const bool no_file_more = state.f_files != 0 && (is_root ? state.f_ffree : state.f_favail) == 0;
  if (!full && !no_file_more) return {};
  return fmt::format("{}: the disk is full", folder.string());
}

TemporaryFolder::TemporaryFolder() {
  const char* given = std::getenv("TMPDIR");
  const std::string parent = given == nullptr || *given == '\0' ? "/tmp" : given;
  std::string name = parent + "/sigsweep-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    throw Failure(kHarnessFailed,
                  fmt::format("no folder can be made in {}{}: {}", parent,
                              given == nullptr ? "" : " ($TMPDIR)", std::strerror(errno)));
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace sigsweep
