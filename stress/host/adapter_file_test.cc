// Files that are no adapter, whatever their bytes.
#include "stress/host/adapter_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace sigsweep {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What is said of a file with this content; empty: it is taken.
std::string refused(const std::string& bytes) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("adapter_file_test." + std::to_string(getpid())))
          .string();
  std::ofstream(path, std::ios::binary) << bytes;
  std::string why;
  try {
    isa_of_adapter(path);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status, kUsage);
    why = failure.what();
  }
  std::filesystem::remove(path);
  return why;
}

// It is read up to its end, and not beyond.
TEST(AdapterFile, MayEndAnywhere) {
  const std::string whole = content("/proc/self/exe");
  for (std::size_t size = 0; size < 2000; size += 7) {
    const std::string why = refused(whole.substr(0, size));
    EXPECT_EQ(why.find("no ELF file") != why.npos, size < sizeof(std::uint32_t) * 13) << size;
  }
}

TEST(AdapterFile, MayHaveAnyBytes) {
  const std::string whole = content("/proc/self/exe").substr(0, 4096);
  for (std::size_t at = 4; at < 1500; at += 3) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string bytes = whole;
      bytes[at] = byte;
      refused(bytes);  // whatever it says: it comes back
    }
  }
}

TEST(AdapterFile, AProgramIsNone) {
  EXPECT_NE(refused(content("/proc/self/exe")).find("a program, no shared object"),
            std::string::npos);
}

}  // namespace
}  // namespace sigsweep
