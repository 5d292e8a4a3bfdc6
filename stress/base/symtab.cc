// Reads .symtab of 32-bit and 64-bit ELF files of this machine's byte order.
#include "stress/base/symtab.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

extern "C" const char __ehdr_start[] __attribute__((visibility("hidden")));

namespace symtab {
namespace {

// T at a byte offset of the file, or nothing if the file ends before it does.
template <class T>
std::optional<T> read_at(const std::string& file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

std::string name_at(const std::string& file, std::uint64_t offset) {
  if (offset >= file.size()) return {};
  return std::string(file.c_str() + offset);
}

// The contents of the symbol tables: the functions, and arm's marks, $a in front of instructions
// and $d in front of constants.
struct Found {
  std::vector<Symbol> functions;
  std::map<std::uint64_t, bool> is_constant;  // from that address on
};

void note_mark(const std::string& name, std::uint64_t address, Found* found) {
  const std::string kind = name.substr(0, 2);
  if (kind == "$a" || kind == "$d") found->is_constant[address] = kind == "$d";
}

template <class Ehdr, class Shdr, class Sym>
Found read_symbols(const std::string& file) {
  Found found;
  const auto header = read_at<Ehdr>(file, 0);
  if (!header) return found;
  const auto section = [&](unsigned i) {
    return read_at<Shdr>(file, header->e_shoff + std::uint64_t{i} * sizeof(Shdr));
  };
  for (unsigned i = 0; i < header->e_shnum; i++) {
    const auto table = section(i);
    if (!table || table->sh_type != SHT_SYMTAB) continue;
    const auto strings = section(table->sh_link);
    if (!strings) continue;
    for (std::uint64_t at = 0; at + sizeof(Sym) <= table->sh_size; at += sizeof(Sym)) {
      const auto symbol = read_at<Sym>(file, table->sh_offset + at);
      if (!symbol || symbol->st_shndx >= SHN_LORESERVE) continue;
      if (header->e_machine == EM_ARM && (symbol->st_info & 0xf) == STT_NOTYPE) {
        note_mark(name_at(file, strings->sh_offset + symbol->st_name), symbol->st_value, &found);
      }
      if ((symbol->st_info & 0xf) != STT_FUNC) continue;
      const auto home = section(symbol->st_shndx);
      if (!home || symbol->st_shndx == SHN_UNDEF) continue;
      found.functions.push_back(Symbol{name_at(file, strings->sh_offset + symbol->st_name),
                                       symbol->st_value, symbol->st_size,
                                       home->sh_offset + (symbol->st_value - home->sh_addr)});
    }
  }
  return found;
}

}  // namespace

std::optional<Table> Table::load(const std::string& path, std::string* error) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  const std::string file = bytes.str();
  const auto ident = read_at<Elf32_Ehdr>(file, 0);
  if (!ident || std::memcmp(ident->e_ident, ELFMAG, SELFMAG) != 0) {
    *error = path + ": cannot be read as an ELF file";
    return std::nullopt;
  }
  Table table;
  table.machine_ = ident->e_machine;
  Found found = ident->e_ident[EI_CLASS] == ELFCLASS64
                    ? read_symbols<Elf64_Ehdr, Elf64_Shdr, Elf64_Sym>(file)
                    : read_symbols<Elf32_Ehdr, Elf32_Shdr, Elf32_Sym>(file);
  table.symbols_ = std::move(found.functions);
  for (auto at = found.is_constant.begin(); at != found.is_constant.end();) {
    const auto start = at++;
    const std::uint64_t end = at == found.is_constant.end() ? start->first : at->first;
    if (start->second) table.constants_.push_back(Constants{start->first, end});
  }
  if (table.symbols_.empty()) {
    *error = path + ": has no function symbols (stripped?)";
    return std::nullopt;
  }
  std::sort(table.symbols_.begin(), table.symbols_.end(),
            [](const Symbol& a, const Symbol& b) { return a.start < b.start; });
  return table;
}

const Symbol* Table::find(std::uint64_t address) const {
  auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                [](std::uint64_t a, const Symbol& s) { return a < s.start; });
  while (after != symbols_.begin()) {
    --after;
    if (address < after->start + after->size || address == after->start) return &*after;
    if (address - after->start > (1U << 20)) break;
  }
  return nullptr;
}

const Symbol* Table::find_name(std::string_view name) const {
  for (const Symbol& s : symbols_) {
    if (s.name == name) return &s;
  }
  return nullptr;
}

std::uint64_t bias() {
  // The ELF header is loaded at the lowest linked address: 0 in a position-independent program,
  // else the first segment's p_vaddr.
  const auto* header = reinterpret_cast<const char*>(&__ehdr_start);
  std::uint64_t loaded = reinterpret_cast<std::uint64_t>(header);
  if (header[EI_CLASS] == ELFCLASS64) {
    const auto* ehdr = reinterpret_cast<const Elf64_Ehdr*>(header);
    return ehdr->e_type == ET_DYN ? loaded : 0;
  }
  const auto* ehdr = reinterpret_cast<const Elf32_Ehdr*>(header);
  return ehdr->e_type == ET_DYN ? loaded : 0;
}

}  // namespace symtab
