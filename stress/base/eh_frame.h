// The functions that a file's call frame information knows: where each begins and ends, without a
// name. Compilers write it for nearly every function, and strip leaves it in.
#pragma once

#include <cstdint>
#include <vector>

#include "stress/base/elf_file.h"

namespace symtab {

struct FrameEntry {
  std::uint64_t start, size;  // start: as linked
};

// In the order of the file. Entries that can't be read are left out; *problem says so.
std::vector<FrameEntry> frame_entries(const ElfFile& file, std::string* problem);

}  // namespace symtab
