// An ELF file as it lies on the disk, of both classes and of this machine's byte order. A file may
// be cut short or damaged: what lies outside of it is left out, and `problem` says so.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace symtab {

// As the headers have them, in the widths of the larger class. Addresses are linked ones.
struct ElfSection {
  std::string name;
  std::uint32_t type = 0, link = 0;
  std::uint64_t flags = 0, start = 0, offset = 0, size = 0;

  bool contains(std::uint64_t address) const { return address - start < size; }
};
struct ElfSegment {
  std::uint32_t type = 0, flags = 0;
  std::uint64_t start = 0, offset = 0, file_size = 0, memory_size = 0;
};
struct ElfSymbol {
  std::string name;
  std::uint64_t value = 0, size = 0;
  unsigned type = 0, binding = 0, section = 0;
};
struct ElfRelocation {
  std::uint64_t address = 0;
  std::uint32_t symbol = 0;  // an index into the linked symbol table
};

struct ElfFile {
  std::string bytes;
  bool is_64 = false;
  unsigned machine = 0;  // EM_X86_64, ...
  std::vector<ElfSection> sections;
  std::vector<ElfSegment> segments;
  std::string problem;  // the first thing that is wrong with it; empty: nothing was found

  const ElfSection* section(const std::string& name) const;
  // Where a linked address lies in the file; nullopt: nowhere.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const;

  // T at a byte offset, or nothing if the file ends before it does.
  template <class T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }
};

// nullopt and what it is instead, in *error.
std::optional<ElfFile> read_elf(std::string bytes, std::string* error);
// The whole file, or what could be read of it.
std::string bytes_of_file(const std::string& path);

// The entries of a symbol table (SHT_SYMTAB, SHT_DYNSYM), by index; those of a section of
// relocations. Entries that lie outside the file are left out.
std::vector<ElfSymbol> symbols_of(const ElfFile& file, const ElfSection& table);
std::vector<ElfRelocation> relocations_of(const ElfFile& file, const ElfSection& table);

// The build id that the linker wrote, in hex; else 16 hex digits of a hash of the file.
std::string build_id_of(const ElfFile& file);

}  // namespace symtab
