// The source line of an instruction, by the line table of its file (DWARF).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sigsweep {

struct SourceLine {
  std::string file;  // from the checkout's folder where it lies in one; else as the compiler had it
  unsigned line = 0;  // 0: the file does not tell
};

// A path as a reader of the checkout has it: from the folder that holds .git, if there is one above
// the file. `binary`: what the path was found in; a relative path is looked for in the folders above.
std::string from_checkout(const std::string& path, const std::string& binary);

// Each file is read on first use. One that can't be read, or has no line table, knows no line.
class SourceLines {
 public:
  SourceLines();
  ~SourceLines();

  // Of the instruction at a linked address.
  SourceLine at(const std::string& binary, std::uint64_t address);
  // Of the one at an offset from a function's start.
  SourceLine at(const std::string& binary, const std::string& symbol, std::uint64_t offset);

 private:
  struct File;
  const File& file(const std::string& binary);
  std::map<std::string, std::unique_ptr<File>> files_;
};

}  // namespace sigsweep
