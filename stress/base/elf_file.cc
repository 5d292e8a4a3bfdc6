// One template for both classes. Each read is checked against the end of the file.
#include "stress/base/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "stress/base/sha1.h"

namespace symtab {
namespace {

struct Class32 {
  using Ehdr = Elf32_Ehdr;
  using Phdr = Elf32_Phdr;
  using Shdr = Elf32_Shdr;
  using Sym = Elf32_Sym;
  using Rel = Elf32_Rel;
  using Rela = Elf32_Rela;
  static std::uint32_t symbol(std::uint32_t info) { return ELF32_R_SYM(info); }
};
struct Class64 {
  using Ehdr = Elf64_Ehdr;
  using Phdr = Elf64_Phdr;
  using Shdr = Elf64_Shdr;
  using Sym = Elf64_Sym;
  using Rel = Elf64_Rel;
  using Rela = Elf64_Rela;
  static std::uint32_t symbol(std::uint64_t info) {
    return static_cast<std::uint32_t>(ELF64_R_SYM(info));
  }
};

void say(ElfFile* file, const std::string& problem) {
  if (file->problem.empty()) file->problem = problem;
}

std::string name_at(const ElfFile& file, std::uint64_t offset) {
  return offset < file.bytes.size() ? std::string(file.bytes.c_str() + offset) : std::string();
}

// What of [offset, offset + size) lies in the file.
std::uint64_t size_within(const ElfFile& file, std::uint64_t offset, std::uint64_t size) {
  return offset > file.bytes.size() ? 0 : std::min<std::uint64_t>(size, file.bytes.size() - offset);
}

template <class Class>
void read_segments(const typename Class::Ehdr& header, ElfFile* file) {
  using Phdr = typename Class::Phdr;
  for (std::uint64_t i = 0; i < header.e_phnum; i++) {
    const auto p = file->at<Phdr>(header.e_phoff + i * sizeof(Phdr));
    if (!p) return say(file, "its program headers lie beyond its end");
    file->segments.push_back(
        {p->p_type, p->p_flags, p->p_vaddr, p->p_offset, p->p_filesz, p->p_memsz});
    if (size_within(*file, p->p_offset, p->p_filesz) != p->p_filesz) {
      say(file, "a segment reaches beyond its end");
    }
  }
}

template <class Class>
void read_sections(const typename Class::Ehdr& header, ElfFile* file) {
  using Shdr = typename Class::Shdr;
  std::vector<std::uint32_t> names;
  for (std::uint64_t i = 0; i < header.e_shnum; i++) {
    const auto s = file->at<Shdr>(header.e_shoff + i * sizeof(Shdr));
    if (!s) {
      say(file, "its section headers lie beyond its end");
      break;
    }
    file->sections.push_back(
        {"", s->sh_type, s->sh_link, s->sh_flags, s->sh_addr, s->sh_offset, s->sh_size});
    names.push_back(s->sh_name);
    if (s->sh_type == SHT_NOBITS || s->sh_type == SHT_NULL) continue;
    if (size_within(*file, s->sh_offset, s->sh_size) != s->sh_size) {
      say(file, "a section reaches beyond its end");
    }
  }
  if (header.e_shstrndx >= file->sections.size()) return;
  for (std::size_t i = 0; i < names.size(); i++) {
    file->sections[i].name = name_at(*file, file->sections[header.e_shstrndx].offset + names[i]);
  }
}

template <class Class>
void read_headers(ElfFile* file) {
  const auto header = file->at<typename Class::Ehdr>(0);
  if (!header) return say(file, "its header is cut off");
  read_segments<Class>(*header, file);
  read_sections<Class>(*header, file);
}

template <class Class>
std::vector<ElfSymbol> read_symbols(const ElfFile& file, const ElfSection& table) {
  using Sym = typename Class::Sym;
  std::vector<ElfSymbol> symbols;
  if (table.link >= file.sections.size()) return symbols;
  const std::uint64_t strings = file.sections[table.link].offset;
  const std::uint64_t size = size_within(file, table.offset, table.size);
  for (std::uint64_t at = 0; at + sizeof(Sym) <= size; at += sizeof(Sym)) {
    const auto s = file.at<Sym>(table.offset + at);
    if (!s) break;
    symbols.push_back({name_at(file, strings + s->st_name), s->st_value, s->st_size,
                       s->st_info & 0xfU, static_cast<unsigned>(s->st_info >> 4), s->st_shndx});
  }
  return symbols;
}

template <class Class, class Entry>
std::vector<ElfRelocation> read_relocations(const ElfFile& file, const ElfSection& table) {
  std::vector<ElfRelocation> relocations;
  const std::uint64_t size = size_within(file, table.offset, table.size);
  for (std::uint64_t at = 0; at + sizeof(Entry) <= size; at += sizeof(Entry)) {
    const auto r = file.at<Entry>(table.offset + at);
    if (!r) break;
    relocations.push_back({r->r_offset, Class::symbol(r->r_info)});
  }
  return relocations;
}

// The build id within the notes [at, at + size) of the file; empty: none.
std::string build_id_in(const ElfFile& file, std::uint64_t at, std::uint64_t size) {
  const std::uint64_t end = at + size_within(file, at, size);
  while (const auto note = file.at<Elf64_Nhdr>(at)) {  // the same in both classes
    const auto padded = [](std::uint64_t n) { return (n + 3) & ~std::uint64_t{3}; };
    const std::uint64_t name = at + sizeof *note, content = name + padded(note->n_namesz);
    at = content + padded(note->n_descsz);
    if (at > end) break;
    if (note->n_type != NT_GNU_BUILD_ID || name_at(file, name) != "GNU") continue;
    std::string id;
    for (std::uint64_t i = content; i < content + note->n_descsz; i++) {
      constexpr char kDigits[] = "0123456789abcdef";
      const auto byte = file.at<unsigned char>(i).value_or(0);
      (id += kDigits[byte >> 4]) += kDigits[byte & 0xf];
    }
    return id;
  }
  return {};
}

}  // namespace

const ElfSection* ElfFile::section(const std::string& name) const {
  const auto found = std::ranges::find(sections, name, &ElfSection::name);
  return found == sections.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> ElfFile::offset_of(std::uint64_t address) const {
  for (const ElfSegment& s : segments) {
    if (s.type != PT_LOAD || address - s.start >= s.file_size) continue;
    const std::uint64_t offset = s.offset + (address - s.start);
    if (offset < bytes.size()) return offset;
  }
  return std::nullopt;
}

std::optional<ElfFile> read_elf(std::string bytes, std::string* error) {
  ElfFile file;
  file.bytes = std::move(bytes);
  const auto ident = file.at<Elf32_Ehdr>(0);
  if (!ident || std::memcmp(ident->e_ident, ELFMAG, SELFMAG) != 0) {
    *error = "cannot be read as an ELF file";
    return std::nullopt;
  }
  constexpr unsigned kOwnOrder =
      std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (ident->e_ident[EI_DATA] != kOwnOrder) {
    *error = "is an ELF file of the other byte order";
    return std::nullopt;
  }
  file.machine = ident->e_machine;
  file.is_64 = ident->e_ident[EI_CLASS] == ELFCLASS64;
  file.is_64 ? read_headers<Class64>(&file) : read_headers<Class32>(&file);
  return file;
}

std::string bytes_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

std::vector<ElfSymbol> symbols_of(const ElfFile& file, const ElfSection& table) {
  return file.is_64 ? read_symbols<Class64>(file, table) : read_symbols<Class32>(file, table);
}

std::vector<ElfRelocation> relocations_of(const ElfFile& file, const ElfSection& table) {
  if (table.type == SHT_REL) {
    return file.is_64 ? read_relocations<Class64, Elf64_Rel>(file, table)
                      : read_relocations<Class32, Elf32_Rel>(file, table);
  }
  if (table.type != SHT_RELA) return {};
  return file.is_64 ? read_relocations<Class64, Elf64_Rela>(file, table)
                    : read_relocations<Class32, Elf32_Rela>(file, table);
}

std::string build_id_of(const ElfFile& file) {
  for (const ElfSegment& s : file.segments) {
    if (s.type != PT_NOTE) continue;
    if (std::string id = build_id_in(file, s.offset, s.file_size); !id.empty()) return id;
  }
  return sigsweep::sha1(file.bytes).substr(0, 16);
}

}  // namespace symtab
