// The jumps of a file to functions of other files, by name: the linker leaves them without one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/base/elf_file.h"

namespace symtab {

struct PltEntry {
  std::string target;  // the function's name, without @plt
  std::uint64_t start, size;
};

// Of x86's files; none of others. Entries whose target is not found are left out.
std::vector<PltEntry> plt_entries(const ElfFile& file);

}  // namespace symtab
