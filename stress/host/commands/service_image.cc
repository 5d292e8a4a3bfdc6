// unshare(2) and mount(2).
#include "stress/host/commands/service_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sigsweep {
namespace {

enum Access { kReadOnly, kWritable };

// One mount: `source` is a folder, or -1 for a new empty file system.
struct Mount {
  int source;
  std::string target;
  Access access;
};

// Why not; empty: it is done.
std::string mount_one(const Mount& m) {
  const char* target = m.target.c_str();
  const unsigned long read_only = m.access == kReadOnly ? MS_RDONLY : 0;
  const auto failed = [&] { return fmt::format("mount {}: {}", target, std::strerror(errno)); };
  if (m.source < 0) {
    return mount("none", target, "tmpfs", read_only, nullptr) == 0 ? "" : failed();
  }
  // By its descriptor: an earlier mount may hide its path.
  const std::string source = fmt::format("/proc/self/fd/{}", m.source);
  if (mount(source.c_str(), target, nullptr, MS_BIND, nullptr) != 0) return failed();
  if (m.access == kWritable) return {};
  // The other flags must stay as they are: in a container the kernel refuses to drop them.
  struct statvfs info {};
  if (statvfs(target, &info) != 0) return failed();
  unsigned long kept = 0;
  if (info.f_flag & ST_NOSUID) kept |= MS_NOSUID;
  if (info.f_flag & ST_NODEV) kept |= MS_NODEV;
  if (info.f_flag & ST_NOEXEC) kept |= MS_NOEXEC;
  const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | kept;
  return mount(nullptr, target, nullptr, flags, nullptr) == 0 ? "" : failed();
}

std::string enter(const ServiceImage& image) {
  if (unshare(CLONE_NEWNS) != 0) return fmt::format("unshare: {}", std::strerror(errno));
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fmt::format("mount / as private: {}", std::strerror(errno));
  }
  const int root = open("/", O_PATH | O_CLOEXEC);
  const int out = open(image.out.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  const int tmp = open(image.tmp.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (out < 0 || tmp < 0) {
    return fmt::format("{}: {}", out < 0 ? image.out : image.tmp, std::strerror(errno));
  }
  struct stat info {};
  const bool has_shm = stat("/dev/shm", &info) == 0 && S_ISDIR(info.st_mode);
  // In this order: the sources may lie in /tmp.
  std::vector<Mount> mounts = {
      {out, kImageFolder, kReadOnly}, {-1, image.sources, kReadOnly}, {tmp, "/tmp", kWritable}};
  if (has_shm) mounts.push_back({-1, "/dev/shm", kReadOnly});
  mounts.push_back({root, "/", kReadOnly});
  for (const Mount& m : mounts) {
    if (std::string why = mount_one(m); !why.empty()) return why;
  }
  if (chdir(kImageFolder) != 0) return fmt::format("{}: {}", kImageFolder, std::strerror(errno));
  return {};
}

}  // namespace

Program in_image(const ServiceImage& image, Program program) {
  const char* path = std::getenv("PATH");
  program.environment["HOME"] = "/nowhere";
  program.environment["TMPDIR"] = "/tmp";
  program.environment["PATH"] = fmt::format("{}:{}", kImageFolder, path == nullptr ? "" : path);
  program.without = {"OUT"};
  program.prepare = [image] { return enter(image); };
  return program;
}

}  // namespace sigsweep
